// What the theme leaves open for those who read with a keyboard or by ear.
function mend() {
  for (const caption of document.querySelectorAll(".caption[role=heading]")) caption.ariaLevel = "2";
  // A signature over several lines is laid out as a list of definitions that defines nothing.
  for (const list of document.querySelectorAll(".sig dl, .sig dd")) list.role = "none";
  // What scrolls sideways can be reached with the keyboard, too.
  for (const box of document.querySelectorAll("article pre, .table-wrapper, .formula, .flowchart, .cell_output div")) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
    if (scrolls && !box.querySelector("a, button, [tabindex]")) box.tabIndex = 0;
  }
}
addEventListener("load", mend);
addEventListener("resize", mend);
