// What has to be said before anything is loaded. It stands in the page itself.
"use strict";
const say = (words) => { document.getElementById("loading-words").textContent = words; };
if (location.protocol === "file:") {
  say("This page cannot be opened as a file, for a browser loads no parts of it then. Serve its folder: "
    + "python -m http.server 8000, and open http://localhost:8000/ in the browser.");
} else if (typeof WebAssembly !== "object" || typeof CompressionStream !== "function") {
  say("This browser is too old for this page: it needs WebAssembly and CompressionStream, as browsers have them since 2023.");
} else {
  say("Loading …");
  document.getElementById("loading-bar").hidden = false;
}
