// Points that are painted on the plane, by mouse or finger.

const APART = 0.16; // from one point of a stroke to the next, in the units of the plane

// `brush()` is "1" or "0" for a class, "erase", or "ask", which leaves clicks to others. `changed(points)` gets what
// there is after each stroke's every point.
export function paintOn(canvas, { brush, points, span, changed }) {
  let last = null;

  function placeOf(event) {
    const bounds = canvas.getBoundingClientRect();
    const { x, y, width, height } = canvas.box;
    const [[left, right], [bottom, top]] = span;
    const across = (event.clientX - bounds.left - x) / width;
    const up = 1 - (event.clientY - bounds.top - y) / height;
    if (across < 0 || across > 1 || up < 0 || up > 1) return null;
    return [left + (right - left) * across, bottom + (top - bottom) * up];
  }

  function dab(event) {
    const place = placeOf(event);
    if (!place || (last && Math.hypot(place[0] - last[0], place[1] - last[1]) < APART)) return;
    last = place;
    if (brush() === "erase") changed(points().filter(([a, b]) => Math.hypot(a - place[0], b - place[1]) > APART));
    else changed([...points(), [...place.map((x) => Math.round(x * 100) / 100), Number(brush())]]);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (brush() === "ask" || event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    last = null;
    dab(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId) && brush() !== "ask") dab(event);
  });
}
