// Steps through a graph: forward, seed, backward, one node at a time.
//
// Everything shown comes from the JSON in the player and is written with textContent; nothing is fetched, nothing is
// parsed as HTML. One page may hold several players, each on its own root element.
"use strict";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const MATH_TAGS = new Set(["mrow", "mi", "mo", "mn", "mtext", "mfrac"]);
const READABLE = 0.62; // the smallest scale at which the picture's letters, of 13 and 11 pixels, are easily read

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

const nameOf = (group) => (group.querySelector(".head") ?? group.querySelector("title"))?.textContent ?? "";

function startPlayer(root) {
  const uid = root.dataset.player;
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const shape = (id) => root.querySelector(`[id="${uid}-${id}"]`);
  const stage = part("stage");
  const nodes = new Map();
  for (const group of root.querySelectorAll("g.node")) {
    const id = group.id.slice(uid.length + 1);
    const [value, grad] = ["text.value", "text.grad"].map((name) => group.querySelector(name));
    nodes.set(id, { group, value, grad, differences: [...group.querySelectorAll("text.Δ")] });
  }
  const edges = new Map(); // those that are drawn, in one of the views
  for (const [id, [source, target, label, constant]] of Object.entries(data.edges)) {
    const group = shape(id);
    if (!group) continue; // it runs between two boxes that are never open both, and others stand for it
    const [line, head, text] = ["path", "polygon", "text"].map((name) => group.querySelector(name));
    edges.set(id, { id, group, source, target, label, constant, line, head, text });
  }
  const boxes = data.boxes ?? {}; // what each box stands for
  const boxOf = new Map(Object.entries(boxes).flatMap(([box, members]) => members.map((id) => [id, box])));
  const frames = new Map(
    [...root.querySelectorAll("g.cluster")].map((group) => [group.id.slice(uid.length + 1, -"-frame".length), group]),
  );
  let view = data.view; // undefined where there is one view only
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  const zoom = zoomable(stage, part);
  let at = 0;

  function setSign(element, sign) {
    if (element.classList.contains(sign)) return;
    element.classList.remove(...SIGNS);
    element.classList.add(sign);
  }

  // What stands for a node in this view: itself, or the box that it is in.
  function home(id) {
    return view === undefined || id in data.views[view].nodes ? id : boxOf.get(id);
  }

  // The drawn edges that stand for one of the graph: itself, or the one between the boxes of its ends.
  function standIn(id) {
    if (view === undefined || id in data.views[view].edges) return edges.get(id);
    const [source, target] = data.edges[id];
    return edges.get(`e${home(source)}_${home(target)}_0`);
  }

  // The numbers after so many steps: nodes and edges are as the last of them left them.
  function render(index) {
    const [values, grads, flows, labels, changes] = [{}, {}, {}, {}, {}];
    for (const step of data.steps.slice(0, index + 1)) {
      Object.assign(values, step.values);
      Object.assign(grads, step.grads);
      Object.assign(flows, step.flows);
      Object.assign(labels, step.labels);
      Object.assign(changes, step.changes);
    }
    const known = new Set(Object.keys(values).flatMap((id) => [id, boxOf.get(id)]));
    for (const [id, { group, value, grad, differences }] of nodes) {
      const [text, sign] = grads[id] ?? ["·", "unset"];
      group.classList.remove("active");
      group.classList.toggle("pending", !known.has(id));
      group.classList.toggle("ungraded", grad ? sign === "unset" : index < (complete.get(id) ?? 0));
      if (value) value.textContent = values[id] ?? "·";
      (changes[id] ?? []).forEach(([change, kind], i) => {
        if (!differences[i]) return; // a frozen leaf has no gradient
        differences[i].textContent = change;
        setSign(differences[i], kind);
      });
      if (!grad) continue;
      grad.textContent = text;
      setSign(grad, sign);
    }
    const carried = new Map(); // of several that a drawn edge stands for, it shows the largest
    for (const [id, flow] of Object.entries(flows)) {
      const edge = standIn(id); // none inside a closed box
      if (edge && !(Number(carried.get(edge)?.[3]) > Number(flow[3]))) carried.set(edge, flow);
    }
    for (const edge of edges.values()) {
      const { group, line, text, constant } = edge;
      const label = labels[edge.id] ?? edge.label;
      const [sign, width, mark] = carried.get(edge) ?? ["unset", "1", ""];
      group.classList.remove("active");
      group.classList.toggle("pending", !known.has(edge.target)); // a local derivative is known once the result is
      if (constant) continue;
      setSign(group, sign);
      line.setAttribute("stroke-width", width);
      if (sign === "zero") line.setAttribute("stroke-dasharray", "5 4");
      else line.removeAttribute("stroke-dasharray");
      if (!text) continue;
      text.textContent = label && mark ? `${label} ${mark}` : label;
      setSign(text, sign);
    }
  }

  function highlight(step) {
    root.dataset.phase = step.phase;
    for (const id of step.edges) standIn(id)?.group.classList.add("active");
    if (step.phase === "start") stage.scrollTo({ left: 0, top: 0, behavior: "auto" });
    if (!step.node) return;
    nodes.get(home(step.node)).group.classList.add("active");
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

  // At which scale the whole picture is in sight.
  function fittingScale() {
    const picture = stage.querySelector("svg");
    const [width, height] = [picture.width.baseVal.value, picture.height.baseVal.value];
    return Math.min(stage.clientWidth / width, Number.parseFloat(getComputedStyle(stage).maxHeight) / height);
  }

  // Start with the whole picture where it can still be read at that size, else at its own size; where boxes are closed
  // always, and where no step goes to a part of it.
  function fitAtFirst() {
    const { width, height } = stage.querySelector("svg");
    root.classList.toggle("beside", height.baseVal.value > 0.9 * width.baseVal.value);
    const scale = fittingScale();
    const whole = stage.querySelector("g.node.group:not([display])") || !data.steps.some((step) => step.node);
    if (scale < 1 && (whole || scale >= READABLE)) setFit(true);
  }

  function setFit(fitted) {
    zoom.fit(fitted);
    const { node, edges: shown } = data.steps[at];
    if (node) follow(around(node, shown));
  }

  function around(node, shown) {
    return [node, ...shown.map((id) => data.edges[id][0])].map(home).filter((id) => nodes.has(id));
  }

  function show(index) {
    at = index;
    render(at);
    const step = data.steps[at];
    highlight(step);
    part("phase").textContent = step.phase;
    part("title").textContent = step.title;
    part("lines").replaceChildren(...step.lines.map(mathLine));
    part("words").textContent = `Step ${at + 1} of ${data.steps.length}. ${step.words}`;
    part("count").textContent = `${at + 1} / ${data.steps.length}`;
    part("slider").setAttribute("aria-valuetext", `step ${at + 1} of ${data.steps.length}: ${step.title}`);
  }

  // The only player of a page (or of a notebook's frame) takes its keys wherever the focus is; one of several only
  // while the focus is in it.
  const alone = document.querySelectorAll("[data-player]").length === 1;
  const steps = transport(part, alone ? document : root, data.steps.length - 1, show);

  // The step after which every gradient in a box is known: its norm is shown from then on.
  const complete = new Map();
  data.steps.forEach((step, index) => {
    for (const id of Object.keys(step.grads)) if (boxOf.has(id)) complete.set(boxOf.get(id), index);
  });

  // Show another view: every element goes where it stands there, and what is not there is hidden.
  function open(key) {
    view = key;
    const { size, shift, legend, nodes: moved, edges: lines, clusters } = data.views[key];
    const picture = stage.querySelector("svg");
    const show = (element, shown) => (shown ? element.removeAttribute("display") : element.setAttribute("display", "none"));
    const set = (element, values) => Object.entries(values).forEach(([name, value]) => element.setAttribute(name, value));
    set(picture, { width: size[0], height: size[1], viewBox: `0 0 ${size[0]} ${size[1]}` });
    set(picture.querySelector(".background"), { width: size[0], height: size[1] });
    set(picture.querySelector(".graph"), { transform: `translate(${shift})` });
    const explained = picture.querySelector(".legend");
    if (explained) set(explained, { transform: `translate(${legend})` });
    for (const [id, { group }] of nodes) {
      show(group, id in moved);
      if (id in moved) set(group, { transform: `translate(${moved[id]})` });
    }
    for (const [id, edge] of edges) {
      show(edge.group, id in lines);
      if (!(id in lines)) continue;
      const [d, points, x, y, label] = lines[id];
      set(edge.line, { d });
      set(edge.head, { points });
      edge.label = label;
      if (edge.text) set(edge.text, { x, y });
    }
    for (const [id, group] of frames) {
      show(group, id in clusters);
      if (!(id in clusters)) continue;
      const [x, y, width, height] = clusters[id];
      set(group.querySelector("rect"), { x, y, width, height });
      set(group.querySelector("text"), { x: x + 10, y: y + 15 });
    }
  }

  // Turn to another view: an open box is in sight, at a size that can be read, and has the focus.
  function turnTo(key) {
    open(key);
    const handle = frames.get(key) ?? nodes.get(closedLast)?.group;
    setFit(!frames.has(key) || fittingScale() >= READABLE);
    show(at);
    handle?.focus({ preventScroll: true });
    if (handle && frames.has(key)) bringIntoSight(handle);
  }

  // Scroll the stage to an element: to its middle, or where it is larger than the stage to its end, where results are.
  function bringIntoSight(element) {
    const [frame, box] = [stage.getBoundingClientRect(), element.getBoundingClientRect()];
    const from = (start, end, size) => (end - start <= size ? (start + end - size) / 2 : end - size);
    stage.scrollTo({
      left: stage.scrollLeft + from(box.left - frame.left - 8, box.right - frame.left + 8, stage.clientWidth),
      top: stage.scrollTop + from(box.top - frame.top - 8, box.bottom - frame.top + 8, stage.clientHeight),
      behavior: "auto",
    });
  }

  let closedLast = null;
  function handles(group, words, act) {
    group.setAttribute("tabindex", "0");
    group.setAttribute("role", "button");
    group.setAttribute("aria-label", words);
    group.addEventListener("click", act);
    group.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      act();
    });
  }

  for (const box of Object.keys(boxes)) {
    const label = nodes.has(box) ? nameOf(nodes.get(box).group) : "";
    if (nodes.has(box) && box in data.views) handles(nodes.get(box).group, `open ${label}`, () => turnTo(box));
    if (!frames.has(box)) continue;
    handles(frames.get(box), `close ${label}`, () => {
      closedLast = box;
      turnTo("");
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

  part("fit").addEventListener("click", () => setFit(!stage.classList.contains("fit")));
  for (const [id, { group }] of nodes) {
    const own = data.steps.flatMap((step, index) => (step.node === id ? [index] : []));
    if (own.length) handles(group, `${nameOf(group)}: go to its step`, () => steps.go(own.find((index) => index > at) ?? own[0]));
  }
  stage.querySelector("svg").setAttribute("role", "group"); // an image has nothing in it that can be chosen
  root.dataset.ready = "";
  if (view !== undefined) open(view);
  fitAtFirst();
  steps.to(0);
}

for (const root of document.querySelectorAll("[data-player]:not([data-ready])")) startPlayer(root);
