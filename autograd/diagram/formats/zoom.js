// Looking closer at a picture: buttons, a pinch, the wheel with Ctrl, and dragging what is larger than its stage.
"use strict";

const [SMALLEST, LARGEST] = [0.1, 8]; // scales

function zoomable(stage, part) {
  const pointers = new Map(); // fingers, or the mouse, that are down
  let dragged = false;

  const picture = () => stage.querySelector("svg");
  const scale = () => picture().getBoundingClientRect().width / picture().viewBox.baseVal.width;

  // At this scale, with the point of the picture that is under (x, y) of the window left where it is.
  function set(wanted, x, y) {
    const drawn = picture();
    const before = drawn.getBoundingClientRect();
    const to = Math.min(Math.max(wanted, SMALLEST), LARGEST);
    const [across, down] = [(x - before.left) / before.width, (y - before.top) / before.height];
    stage.classList.remove("fit");
    part("fit").setAttribute("aria-pressed", "false");
    drawn.style.width = `${drawn.viewBox.baseVal.width * to}px`;
    drawn.style.height = `${drawn.viewBox.baseVal.height * to}px`;
    const after = drawn.getBoundingClientRect();
    const left = stage.scrollLeft + after.left + across * after.width - x;
    stage.scrollTo({ left, top: stage.scrollTop + after.top + down * after.height - y, behavior: "auto" });
  }

  function fit(fitted) {
    picture().style.width = picture().style.height = "";
    stage.classList.toggle("fit", fitted);
    part("fit").setAttribute("aria-pressed", String(fitted));
  }

  function about(factor) {
    const { left, top } = stage.getBoundingClientRect();
    set(scale() * factor, left + stage.clientWidth / 2, top + stage.clientHeight / 2);
  }
  part("closer").addEventListener("click", () => about(1.25));
  part("farther").addEventListener("click", () => about(0.8));

  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls
    event.preventDefault();
    set(scale() * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.01)), event.clientX, event.clientY);
  }, { passive: false });

  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event);
    dragged = false;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const [x, y] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (pointers.size === 2) {
      const [other] = [...pointers.values()].filter((pointer) => pointer.pointerId !== event.pointerId);
      const apart = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY);
      const middle = [(event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2];
      set((scale() * apart(event)) / Math.max(apart(before), 1), ...middle);
      dragged = true;
    } else if (event.pointerType === "mouse") {
      if (!dragged && Math.hypot(x, y) < 4) return; // a click that trembles
      if (!dragged) stage.setPointerCapture(event.pointerId);
      dragged = true;
      stage.classList.add("dragged");
      stage.scrollBy({ left: -x, top: -y, behavior: "auto" });
    } else return; // one finger scrolls by itself
    pointers.set(event.pointerId, event);
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    stage.addEventListener(end, (event) => {
      pointers.delete(event.pointerId);
      stage.classList.remove("dragged");
    });
  }
  // What was dragged is not clicked.
  stage.addEventListener("click", (event) => {
    if (dragged) event.stopPropagation();
    dragged = false;
  }, { capture: true });

  return { fit };
}
