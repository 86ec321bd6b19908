// Steps through a graph: forward, seed, backward, one node at a time.
//
// Everything shown comes from the JSON in the player and is written with textContent; nothing is fetched, nothing is
// parsed as HTML. One page may hold several players, each on its own root element.
"use strict";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MATH_TAGS = new Set(["mrow", "mi", "mo", "mn", "mtext", "mfrac"]);
const READABLE = 0.62; // the smallest scale at which the picture's letters, of 13 and 11 pixels, are easily read
const SIGNS = ["positive", "negative", "zero", "broken", "unset"];

function math(tree) {
  const [tag, ...children] = tree;
  const element = document.createElementNS(MATHML, MATH_TAGS.has(tag) ? tag : "mtext");
  for (const child of children) {
    if (Array.isArray(child)) element.append(math(child));
    else element.textContent = child;
  }
  return element;
}

function mathLine(tree) {
  const line = document.createElement("div");
  if (tree[0] === "mtext") {
    line.textContent = tree[1];
    return line;
  }
  const element = document.createElementNS(MATHML, "math");
  element.setAttribute("displaystyle", "true");
  element.append(math(tree));
  line.append(element);
  return line;
}

function startPlayer(root) {
  const uid = root.dataset.player;
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const shape = (id) => root.querySelector(`[id="${uid}-${id}"]`);
  const slider = part("slider");
  const stage = part("stage");
  const nodes = new Map();
  for (const group of root.querySelectorAll("g.node")) {
    const id = group.id.slice(uid.length + 1);
    nodes.set(id, { group, value: group.querySelector("text.value"), grad: group.querySelector("text.grad") });
  }
  const edges = new Map();
  for (const [id, [source, target, label, constant]] of Object.entries(data.edges)) {
    const group = shape(id);
    edges.set(id, { group, source, target, label, constant, line: group.querySelector("path"), text: group.querySelector("text") });
  }
  const folded = new Set();
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let at = 0;
  let timer = null;

  function setSign(element, sign) {
    element.classList.remove(...SIGNS);
    element.classList.add(sign);
  }

  function setGrad(id, [text, sign]) {
    const { group, grad } = nodes.get(id);
    if (!grad) return;
    group.classList.toggle("ungraded", sign === "unset");
    grad.textContent = text;
    setSign(grad, sign);
  }

  function clear() {
    for (const [id, { group, value }] of nodes) {
      group.classList.add("pending", "ungraded");
      group.classList.remove("active");
      if (value) value.textContent = "·";
      setGrad(id, ["·", "unset"]);
    }
    for (const { group, line, text, label, constant } of edges.values()) {
      group.classList.remove("active");
      group.classList.add("pending"); // a local derivative is known once the result is
      if (constant) continue;
      setSign(group, "unset");
      line.setAttribute("stroke-width", "1");
      line.removeAttribute("stroke-dasharray");
      if (text) {
        text.textContent = label;
        setSign(text, "unset");
      }
    }
  }

  function apply(step) {
    for (const [id, text] of Object.entries(step.values)) {
      const node = nodes.get(id);
      node.group.classList.remove("pending");
      if (node.value) node.value.textContent = text;
    }
    for (const { group, target } of edges.values()) if (target in step.values) group.classList.remove("pending");
    for (const [id, grad] of Object.entries(step.grads)) setGrad(id, grad);
    for (const [id, [sign, width, mark]] of Object.entries(step.flows)) {
      const { group, line, text, label } = edges.get(id);
      setSign(group, sign);
      line.setAttribute("stroke-width", width);
      if (sign === "zero") line.setAttribute("stroke-dasharray", "5 4");
      if (text) {
        text.textContent = mark ? `${label} ${mark}` : label;
        setSign(text, sign);
      }
    }
  }

  function highlight(step) {
    root.dataset.phase = step.phase;
    for (const cover of root.querySelectorAll("g.cover.active")) cover.classList.remove("active");
    for (const id of step.edges) edges.get(id).group.classList.add("active");
    if (step.phase === "start") stage.scrollTo({ left: 0, top: 0, behavior: "auto" });
    if (!step.node) return;
    nodes.get(step.node).group.classList.add("active");
    for (const [key, { members }] of Object.entries(data.clusters)) {
      const cover = shape(`${key}-cover`); // the box that stands for the node while it is folded
      if (cover) cover.classList.toggle("active", members.includes(step.node));
    }
    follow(around(step.node, step.edges));
  }

  // Keep what is at work in sight: the node, and its operands where there is room. Only the stage scrolls, never the
  // page. A scroll that a step before began and that is still on its way gives way to this one.
  function follow(ids) {
    const frame = stage.getBoundingClientRect();
    const reach = (start, end, size, from) => {
      // a scroll position that shows the first span whole, and of the others as many as fit
      let [low, high] = [start[0], end[0]];
      for (let i = 1; i < start.length; i += 1) {
        const [wider, higher] = [Math.min(low, start[i]), Math.max(high, end[i])];
        if (higher - wider <= size) [low, high] = [wider, higher];
      }
      if (low >= from && high <= from + size) return from;
      return high - low > size ? low : (low + high - size) / 2;
    };
    const boxes = ids.map((id) => nodes.get(id).group.getBoundingClientRect());
    const pad = 6;
    const lefts = boxes.map((box) => box.left - frame.left + stage.scrollLeft - pad);
    const rights = boxes.map((box) => box.right - frame.left + stage.scrollLeft + pad);
    const tops = boxes.map((box) => box.top - frame.top + stage.scrollTop - pad);
    const bottoms = boxes.map((box) => box.bottom - frame.top + stage.scrollTop + pad);
    const left = reach(lefts, rights, stage.clientWidth, stage.scrollLeft);
    const top = reach(tops, bottoms, stage.clientHeight, stage.scrollTop);
    const still = left === stage.scrollLeft && top === stage.scrollTop;
    stage.scrollTo({ left, top, behavior: calm.matches || still ? "auto" : "smooth" });
  }

  // Start with the whole picture where it can still be read at that size, else at its own size.
  function fitAtFirst() {
    const picture = stage.querySelector("svg");
    const [width, height] = [picture.width.baseVal.value, picture.height.baseVal.value];
    const scale = Math.min(stage.clientWidth / width, (0.6 * window.innerHeight) / height);
    const least = root.dataset.fold === "all" ? READABLE / 2 : READABLE; // folded boxes have larger letters
    if (scale < 1 && scale >= least) setFit(true);
  }

  function setFit(fitted) {
    stage.classList.toggle("fit", fitted);
    part("fit").setAttribute("aria-pressed", String(fitted));
    const { node, edges: shown } = data.steps[at];
    if (node) follow(around(node, shown));
  }

  function around(node, shown) {
    return [node, ...shown.map((id) => edges.get(id).source).filter((id) => nodes.has(id))];
  }

  function show(index) {
    at = Math.max(0, Math.min(index, data.steps.length - 1));
    clear();
    for (let i = 0; i <= at; i += 1) apply(data.steps[i]);
    const step = data.steps[at];
    highlight(step);
    part("phase").textContent = step.phase;
    part("title").textContent = step.title;
    part("lines").replaceChildren(...step.lines.map(mathLine));
    part("words").textContent = `Step ${at + 1} of ${data.steps.length}. ${step.words}`;
    part("count").textContent = `${at + 1} / ${data.steps.length}`;
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", `step ${at + 1} of ${data.steps.length}: ${step.title}`);
    part("first").disabled = part("previous").disabled = at === 0;
    part("last").disabled = part("next").disabled = at === data.steps.length - 1;
    if (at === data.steps.length - 1) stop();
  }

  function stop() {
    clearInterval(timer);
    timer = null;
    part("play").textContent = "Play";
    part("play").setAttribute("aria-pressed", "false");
  }

  function play() {
    if (timer !== null) {
      stop();
      return;
    }
    if (at === data.steps.length - 1) show(0);
    part("play").textContent = "Pause";
    part("play").setAttribute("aria-pressed", "true");
    timer = setInterval(() => show(at + 1), Number(part("speed").value));
  }

  function go(index) {
    stop();
    show(index);
  }

  function fold(id, closed) {
    if (closed) folded.add(id);
    else folded.delete(id);
    const hidden = new Set();
    for (const key of folded) for (const member of data.clusters[key].members) hidden.add(member);
    for (const [key, { group }] of nodes) group.toggleAttribute("data-folded", hidden.has(key));
    for (const { group, source, target } of edges.values()) {
      group.toggleAttribute("data-folded", hidden.has(source) && hidden.has(target));
    }
    for (const key of Object.keys(data.clusters)) {
      const cover = shape(`${key}-cover`);
      const handle = shape(key);
      if (cover) cover.toggleAttribute("data-open", folded.has(key));
      if (handle) handle.setAttribute("aria-expanded", String(!folded.has(key)));
    }
  }

  for (const [id, { label }] of Object.entries(data.clusters)) {
    const handle = shape(id);
    const cover = shape(`${id}-cover`);
    if (!handle || !cover) continue;
    handle.setAttribute("tabindex", "0");
    handle.setAttribute("role", "button");
    handle.setAttribute("aria-label", `fold or unfold ${label}`);
    const toggle = () => fold(id, !folded.has(id));
    handle.addEventListener("click", toggle);
    cover.addEventListener("click", toggle);
    handle.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      toggle();
    });
  }

  const parameter = part("parameter");
  if (parameter) {
    const choose = () => {
      const { lines } = data.derivations[parameter.selectedIndex];
      part("derivation").replaceChildren(...lines.map(mathLine));
    };
    for (const { name } of data.derivations) parameter.append(new Option(name));
    parameter.addEventListener("change", choose);
    choose();
  }

  part("first").addEventListener("click", () => go(0));
  part("previous").addEventListener("click", () => go(at - 1));
  part("play").addEventListener("click", play);
  part("next").addEventListener("click", () => go(at + 1));
  part("last").addEventListener("click", () => go(data.steps.length - 1));
  part("speed").addEventListener("change", () => {
    if (timer === null) return;
    stop();
    play();
  });
  part("fit").addEventListener("click", () => setFit(!stage.classList.contains("fit")));
  slider.max = String(data.steps.length - 1);
  slider.addEventListener("input", () => go(Number(slider.value)));
  const keys = {
    ArrowRight: () => go(at + 1),
    ArrowLeft: () => go(at - 1),
    Home: () => go(0),
    End: () => go(data.steps.length - 1),
    " ": play,
  };
  // The only player of a page (or of a notebook's frame) takes its keys wherever the focus is; one of several only
  // while the focus is in it.
  const alone = document.querySelectorAll("[data-player]").length === 1;
  (alone ? document : root).addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || !(event.key in keys)) return;
    const tag = event.target.tagName;
    if (tag === "SELECT" || tag === "SUMMARY" || (event.key === " " && tag === "BUTTON")) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const [id, { group }] of nodes) {
    const own = data.steps.flatMap((step, index) => (step.node === id ? [index] : []));
    if (own.length) group.addEventListener("click", () => go(own.find((index) => index > at) ?? own[0]));
  }
  for (const key of Object.keys(data.clusters)) if (root.dataset.fold === "all") fold(key, true);
  root.dataset.ready = "";
  fitAtFirst();
  show(0);
}

for (const root of document.querySelectorAll("[data-player]:not([data-ready])")) startPlayer(root);
