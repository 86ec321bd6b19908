// Moves a picture with its sliders: runs its program anew at each position and shows every number that it gives.
//
// RULES, one for each operation of the program, stands before this text. Everything that is shown is written with
// textContent and attributes; nothing is fetched, nothing is parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";
const STEPS = 200; // positions of a slider
const POINTS = 120; // of a curve
const [WIDE, HIGH, PAD] = [340, 190, 34]; // of its figure

// A function from the sliders' numbers to all results of the program.
function compiled({ inputs, fixed, constants, code, outputs }) {
  const first = inputs + fixed.length; // the place of the first result; the constants stand behind the last one
  const values = new Float64Array(first + code.length + constants.length);
  values.set(fixed.map(Number), inputs);
  values.set(constants.map(Number), first + code.length);
  const at = (place) => (place >= 0 ? place : first + code.length - 1 - place);
  const rules = code.map(([name]) => RULES[name]);
  const places = Int32Array.from(code.flatMap(([, ...operands]) => [0, 1, 2].map((i) => at(operands[i] ?? 0))));
  const results = Int32Array.from(outputs.map(at));
  return (numbers) => {
    values.set(numbers);
    for (let i = 0; i < rules.length; i += 1) {
      values[first + i] = rules[i](values[places[3 * i]], values[places[3 * i + 1]], values[places[3 * i + 2]]);
    }
    return Float64Array.from(results, (place) => values[place]);
  };
}

function element(name, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  if (text) made.textContent = text;
  return made;
}

function startSliders(root) {
  const uid = root.dataset.sliders;
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const shape = (id) => root.querySelector(`[id="${uid}-${id}"]`);
  const run = compiled(data.program);
  const slopeOf = (i, results) => (data.grads[i] === null ? 0 : results[data.grads[i]]);
  const stage = part("stage");
  const position = data.sliders.map(({ start }) => start);
  let dragged = 0; // the slider that the curve is about
  let curve = { key: "", ys: [] };
  let waiting = false;

  const write = (target, text) => {
    if (target && target.textContent !== text) target.textContent = text;
  };
  const sign = (target, kind) => {
    if (target.classList.contains(kind)) return;
    target.classList.remove(...SIGNS);
    target.classList.add(kind);
  };

  const nodes = Object.entries(data.nodes).map(([id, facts]) => {
    const group = shape(id);
    const flags = new Map([...group.querySelectorAll("text.flag")].map((flag) => [flag.textContent, flag]));
    const [box, value, grad] = [".box:not(.op)", "text.value", "text.grad"].map((name) => group.querySelector(name));
    group.querySelector(".ring")?.remove();
    return { ...facts, box, valueText: value, gradText: grad, flags };
  });
  const edges = Object.entries(data.edges).map(([id, facts]) => {
    const [line, text] = ["path", "text"].map((name) => shape(id).querySelector(name));
    return { ...facts, group: shape(id), line, text };
  });
  const conditions = Object.entries(data.conditions).map(([id, place]) => [shape(id).querySelector(".head"), place]);

  function showNode(node, results) {
    const value = results[node.value];
    write(node.valueText, number(value));
    node.valueText?.classList.toggle("broken", !Number.isFinite(value));
    if (node.gradText && "grad" in node) {
      const grad = results[node.grad];
      const kind = signOf(grad);
      write(node.gradText, marked(grad));
      sign(node.gradText, kind);
    }
    const dead = "dead" in node && "net" in node && results[node.net] <= node.dead;
    const saturated = "saturated" in node && Math.abs(results[node.saturated[0]]) <= node.saturated[1];
    node.flags.get("dead")?.setAttribute("visibility", dead ? "visible" : "hidden");
    node.flags.get("saturated")?.setAttribute("visibility", saturated && !dead ? "visible" : "hidden");
    node.box.classList.toggle("dead", dead);
    node.box.classList.toggle(node.kind, !dead);
    node.box.classList.toggle("broken", !Number.isFinite(value));
  }

  function showEdge(edge, results) {
    const partial = results[edge.partial];
    const flow = "grad" in edge ? partial * results[edge.grad] : null;
    const kind = flow === null ? "unset" : signOf(flow);
    sign(edge.group, kind);
    edge.line.setAttribute("stroke-width", flow === null ? "1" : lineWidth(flow).toFixed(2));
    if (kind === "zero") edge.line.setAttribute("stroke-dasharray", "5 4");
    else edge.line.removeAttribute("stroke-dasharray");
    if (!edge.text) return;
    write(edge.text, `${edge.prefix}${number(partial)} ${MARKS[kind]}`.trim());
    sign(edge.text, kind);
  }

  // The output over the range of one slider, and its tangent where the slider is.
  function drawCurve(results) {
    const { name, low, high } = data.sliders[dragged];
    const [x, y, slope] = [position[dragged], results[data.output], slopeOf(dragged, results)];
    const xs = Array.from({ length: POINTS + 1 }, (_, i) => low + ((high - low) * i) / POINTS);
    const key = `${dragged}: ${position.filter((_, i) => i !== dragged)}`;
    const outputAt = (at) => run(position.map((p, i) => (i === dragged ? at : p)))[data.output];
    if (curve.key !== key) curve = { key, ys: xs.map(outputAt) };
    const { ys } = curve; // the same while one slider is dragged
    const seen = [...ys, y].filter(Number.isFinite);
    let [bottom, top] = [Math.min(...seen), Math.max(...seen)];
    if (!(top > bottom)) [bottom, top] = [bottom - 1, bottom + 1];
    const share = (at, from, to) => (at / 2 - from / 2) / (to / 2 - from / 2); // no difference overflows
    const across = (at) => PAD + share(at, low, high) * (WIDE - 2 * PAD);
    const up = (at) => HIGH - PAD - share(at, bottom, top) * (HIGH - 2 * PAD);
    const points = xs.map((at, i) => (Number.isFinite(ys[i]) ? `${across(at).toFixed(1)},${up(ys[i]).toFixed(1)}` : ""));
    const pieces = points.join(" ").split(/ {2,}/).filter((piece) => piece.trim());
    const title = `${data.name} over ${name}: slope ${number(slope)} at ${name} = ${number(x)}`;
    const picture = element("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, width: WIDE, height: HIGH, role: "img" });
    const clip = element("clipPath", { id: `${uid}-plane` });
    clip.append(element("rect", { x: PAD, y: PAD - 8, width: WIDE - 2 * PAD, height: HIGH - 2 * PAD + 16 }));
    picture.append(element("title", {}, title), clip);
    picture.append(element("path", { class: "axis", d: `M${PAD} ${PAD - 8}V${HIGH - PAD}H${WIDE - PAD}` }));
    for (const piece of pieces) picture.append(element("polyline", { class: "curve", points: piece.trim() }));
    if (Number.isFinite(y) && Number.isFinite(slope)) {
      const line = { x1: across(low), y1: up(y + slope * (low - x)), x2: across(high), y2: up(y + slope * (high - x)) };
      picture.append(element("line", { class: "tangent", "clip-path": `url(#${uid}-plane)`, ...line }));
      picture.append(element("circle", { class: "point", cx: across(x), cy: up(y), r: 4.5 }));
    }
    const label = (at, down, text, anchor) =>
      picture.append(element("text", { x: at, y: down, "text-anchor": anchor }, text));
    label(PAD, HIGH - PAD + 15, number(low), "middle");
    label(WIDE - PAD, HIGH - PAD + 15, number(high), "middle");
    const short = (text) => ([...text].length > 18 ? `${[...text].slice(0, 17).join("")}…` : text);
    label(WIDE / 2, HIGH - PAD + 15, short(name), "middle");
    label(PAD + 6, PAD - 12, `${short(data.name)}: ${number(bottom)} to ${number(top)}`, "start");
    label(WIDE - PAD, PAD - 12, `dashed: slope ${number(slope)}`, "end");
    part("figure").replaceChildren(picture);
  }

  function show() {
    waiting = false;
    const results = run(position);
    for (const node of nodes) showNode(node, results);
    for (const edge of edges) showEdge(edge, results);
    for (const [text, place] of conditions) write(text, number(results[place]));
    rows.forEach((row, i) => {
      write(row.shown, number(position[i]));
      write(row.slope, `∂${data.name}/∂${data.sliders[i].name} = ${number(slopeOf(i, results))}`);
    });
    drawCurve(results);
    part("words").textContent =
      `${data.sliders[dragged].name} is ${number(position[dragged])}: ${data.name} is ${number(results[data.output])}, ` +
      `its slope ${number(slopeOf(dragged, results))}.`;
    root.dataset.shown = position.join(" ");
  }

  function later() {
    if (!waiting) requestAnimationFrame(show);
    waiting = true;
  }

  const rows = data.sliders.map(({ name, low, high, start }, i) => {
    const row = document.createElement("label");
    const [title, shown, slope] = ["span", "output", "span"].map((tag) => document.createElement(tag));
    const range = document.createElement("input");
    Object.assign(range, { type: "range", min: low, max: high, step: "any", value: start });
    range.setAttribute("aria-label", name);
    title.textContent = name;
    slope.className = "slope";
    const moved = (x) => {
      position[i] = Math.min(Math.max(x, low), high);
      dragged = i;
      range.value = String(position[i]);
      range.setAttribute("aria-valuetext", number(position[i]));
      later();
    };
    range.addEventListener("input", () => moved(Number(range.value)));
    range.addEventListener("focus", () => moved(position[i]));
    const strides = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10 };
    range.addEventListener("keydown", (event) => {
      if (!(event.key in strides)) return;
      event.preventDefault();
      moved(position[i] + (strides[event.key] * (high - low)) / STEPS);
    });
    row.append(title, range, shown, slope);
    part("ranges").append(row);
    return { shown, slope, reset: () => moved(start) };
  });

  const zoom = zoomable(stage, part);
  part("fit").addEventListener("click", () => zoom.fit(!stage.classList.contains("fit")));
  part("reset").addEventListener("click", () => {
    for (const row of [...rows].reverse()) row.reset();
  });
  root.dataset.ready = "";
  show();
  const picture = stage.querySelector("svg");
  const [wide, high] = [picture.width.baseVal.value, picture.height.baseVal.value];
  root.classList.toggle("beside", high > 0.8 * wide);
  zoom.fit(Math.min(stage.clientWidth / wide, Number.parseFloat(getComputedStyle(stage).maxHeight) / high) < 1);
}

for (const root of document.querySelectorAll("[data-sliders]:not([data-ready])")) startSliders(root);
