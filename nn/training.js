// Plays the frames of a training run: the network, the decision boundary, the curves.
//
// The numbers are in the JSON of the page; ACTIVATIONS, the functions that the units need, and the rules that Math lacks
// stand above this script. The playground draws a run with it that goes on: there the last frame is the only one.
// Everything is written with textContent; nothing is fetched, nothing is parsed as HTML.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const READING = 74; // pixels beside the network for the words of its inputs; a few more for those of its outputs
const MOST_LABELLED = 48; // lines; over it they are drawn thinner
const SPACED = 22; // pixels from one unit to the next below which units of a layer are left out
const STRENGTHS = 100; // of a colour, on either side of the middle
const SLOPE = 7; // pixels between the strokes that mark what is below the middle
const LOSSES = ["loss", "val_loss", "test loss"]; // on one chart
const DASHES = ["", "7 4", "2 3", "11 3 2 3", "5 2", "1 5"];

// ---------------------------------------------------------------- the numbers

const bytesOf = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
const floatsOf = (text) => new Float32Array(bytesOf(text).buffer);
const real = (x) => (typeof x === "number" ? x : { inf: Infinity, "-inf": -Infinity }[x] ?? NaN);

// A run out of JSON, with its numbers unpacked and its units one after the other.
function unpack(text) {
  const run = JSON.parse(text);
  for (const name of ["parameters", "activations", "deltas", "losses", "ranges"]) run[name] = floatsOf(run[name]);
  run.levels = bytesOf(run.levels);
  run.inputs = run.samples[0].x.length;
  run.outputs = run.task.middle.length;
  run.all = [];
  run.size = 0; // parameters in a frame
  run.layers.forEach((layer, k) => {
    layer.units = layer.activations.map((activation, j) => {
      const first = run.size;
      run.size += layer.inputs + 1;
      const name = k === run.layers.length - 1 ? `o${j + 1}` : run.layers.length === 2 ? `h${j + 1}` : `h${k + 1}.${j + 1}`;
      const unit = { layer: k + 1, index: j, place: run.all.length, name, activation, first };
      Object.assign(unit, { inputs: layer.inputs, bias: layer.biases[j], deadBelow: layer.dead[j] });
      run.all.push(unit);
      return unit;
    });
  });
  return run;
}

const read = (root) => unpack(root.querySelector("script[type='application/json']").textContent);
const columnsOf = (rows) => rows[0].map((_, k) => Float64Array.from(rows, (row) => row[k]));

// The net input and the activation of each unit at many places at once; `columns` has an array for each input.
function forward(run, frame, columns) {
  const parameters = run.parameters.subarray(frame * run.size, (frame + 1) * run.size);
  const [nets, outs] = [[], []];
  let below = columns;
  for (const layer of run.layers) {
    const activations = layer.units.map(({ first, inputs, activation }) => {
      const z = new Float64Array(columns[0].length).fill(parameters[first + inputs]);
      for (let i = 0; i < inputs; i += 1) {
        const [w, a] = [parameters[first + i], below[i]];
        for (let p = 0; p < z.length; p += 1) z[p] += w * a[p];
      }
      nets.push(z);
      return z.map(ACTIVATIONS[activation]);
    });
    outs.push(...activations);
    below = activations;
  }
  return { nets, outs };
}

// The places of a grid over the span of the inputs, as columns: row by row from below.
function grid(span, side) {
  const at = ([low, high], i) => low + ((high - low) * i) / (side - 1);
  if (span.length === 1) return [Float64Array.from({ length: side }, (_, i) => at(span[0], i))];
  const places = { length: side * side };
  return [
    Float64Array.from(places, (_, i) => at(span[0], i % side)),
    Float64Array.from(places, (_, i) => at(span[1], Math.floor(i / side))),
  ];
}

// Each unit over the span of the inputs: computed here, or as it was noted in Python.
function fieldsOf(run, frame) {
  if (run.computed) {
    const side = run.span.length === 2 ? run.grid : 8 * run.grid;
    return { side, units: forward(run, frame, grid(run.span, side)).outs };
  }
  const count = run.levels.length / run.epochs.length / run.units;
  const side = run.span.length === 2 ? Math.round(Math.sqrt(count)) : count;
  const units = Array.from({ length: run.units }, (_, k) => {
    const at = frame * run.units + k;
    const [low, high] = [run.ranges[2 * at], run.ranges[2 * at + 1]];
    const levels = run.levels.subarray(at * count, (at + 1) * count);
    return Float64Array.from(levels, (level) => low + ((high - low) * level) / 255);
  });
  return { side, units };
}

// Which units are off for every point, and so pass no gradient for any.
function offUnits(run, frame) {
  if (!run.computed) return new Set(run.off[frame] ?? []);
  if (!run.points.x.length) return new Set();
  const nets = run.all.some((unit) => unit.deadBelow !== null) ? forward(run, frame, columnsOf(run.points.x)).nets : [];
  const off = run.all.filter((unit) => unit.deadBelow !== null && nets[unit.place].every((z) => z <= unit.deadBelow));
  return new Set(off.map((unit) => unit.place));
}

// ------------------------------------------------------- numbers as they are written

const written = (t) => (Array.isArray(t) ? `(${t.map((x) => number(x)).join(", ")})` : number(t));
const place = (x) => `(${x.slice(0, 3).map((one) => number(one, 3)).join(", ")}${x.length > 3 ? ", …" : ""})`;
const classOf = (t) => (Array.isArray(t) ? t.indexOf(1) : t);

// --------------------------------------------------------------- small drawing

function make(parent, name, attributes = {}, text = null) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  parent.append(element);
  return element;
}

function add(parent, name, text = "", kind = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (kind) element.className = kind;
  parent.append(element);
  return element;
}

// A canvas of so many points, sharp on the screen it is on, and its context.
function sheet(canvas, width, height) {
  const scale = Math.min(window.devicePixelRatio || 1, 2);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  return context;
}

function coloursOf(root) {
  const style = getComputedStyle(root);
  const hex = (name) => style.getPropertyValue(`--${name}`).trim();
  const names = ["paper", "ink", "quiet", "line", "positive", "negative", "forward", "backward", "broken", "zero", "dead"];
  const colours = Object.fromEntries(names.map((name) => [name, hex(name)]));
  colours.ramp = rampOf(colours);
  colours.classes = ["positive", "negative", "forward", "backward", "broken", "zero"].map(hex);
  return colours;
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const mix = (from, to, share) => from.map((x, i) => x + (to[i] - x) * share);

// The colours of a scale, from full below its middle over the paper's to full above.
function rampOf(colours) {
  const ends = [rgb(colours.negative), rgb(colours.positive)];
  const tone = (share) => mix(rgb(colours.paper), ends[Number(share > 0)], 0.62 * Math.abs(share));
  return Array.from({ length: 2 * STRENGTHS + 1 }, (_, i) => tone((i - STRENGTHS) / STRENGTHS).map(Math.round));
}

// The colour of a number on the scale from middle − reach to middle + reach; it gets no stronger beyond.
function shade(colours, x, middle, reach) {
  const share = Math.max(-1, Math.min((x - middle) / (reach || 1), 1)) || 0; // 0 for nan
  return colours.ramp[STRENGTHS + Math.round(STRENGTHS * share)];
}

// The values of a grid between its places.
function between(values, side) {
  return (across, up) => {
    const [x, y] = [across * (side - 1), up * (side - 1)];
    const [i, j] = [Math.min(Math.floor(x), side - 2), Math.min(Math.floor(y), side - 2)];
    const [s, t, at] = [x - i, y - j, j * side + i];
    const [low, high] = [values[at] * (1 - s) + values[at + 1] * s, values[at + side] * (1 - s) + values[at + side + 1] * s];
    return low * (1 - t) + high * t;
  };
}

// Paint a field into a rectangle of a canvas: `colour(i)` of the number at a place, strokes where `below`, and a line where
// `region` changes. All of them are asked with the numbers of the fields at that place.
function paint(context, fields, side, box, { colour, below, region, ink, strokes = SLOPE }) {
  const [width, height] = [Math.max(Math.round(box.width), 2), Math.max(Math.round(box.height), 2)];
  const image = new ImageData(width, height);
  const regions = new Int32Array(width * height);
  const lookups = fields.map((values) => between(values, side));
  const numbers = fields.map(() => 0);
  const dark = rgb(ink);
  for (let y = height - 1; y >= 0; y -= 1) {
    for (let x = width - 1; x >= 0; x -= 1) {
      for (let k = 0; k < lookups.length; k += 1) numbers[k] = lookups[k](x / (width - 1), 1 - y / (height - 1));
      const at = y * width + x;
      regions[at] = region(numbers);
      let tone = colour(numbers);
      if (below(numbers) && (x + y) % strokes === 0) tone = mix(tone, dark, 0.28);
      const right = x + 1 < width ? regions[at + 1] : regions[at];
      const under = y + 1 < height ? regions[at + width] : regions[at];
      if (right !== regions[at] || under !== regions[at]) tone = mix(tone, dark, 0.85);
      for (let k = 0; k < 3; k += 1) image.data[4 * at + k] = tone[k];
      image.data[4 * at + 3] = 255;
    }
  }
  const painted = document.createElement("canvas");
  [painted.width, painted.height] = [width, height];
  painted.getContext("2d").putImageData(image, 0, 0);
  context.drawImage(painted, box.x, box.y, box.width, box.height);
}

// A mark for a point: another shape for each class, so that no colour is needed.
function mark(context, kind, x, y, r) {
  context.beginPath();
  const corners = {
    1: [[-1, -1], [1, -1], [1, 1], [-1, 1]], 2: [[0, -1.3], [1.2, 0.9], [-1.2, 0.9]],
    3: [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]], 4: [[0, 1.3], [1.2, -0.9], [-1.2, -0.9]],
    5: [[-0.5, -1.3], [0.5, -1.3], [0.5, -0.5], [1.3, -0.5], [1.3, 0.5], [0.5, 0.5], [0.5, 1.3], [-0.5, 1.3], [-0.5, 0.5],
      [-1.3, 0.5], [-1.3, -0.5], [-0.5, -0.5]],
  }[kind % 6];
  if (corners) {
    corners.forEach(([a, b], i) => (i ? context.lineTo(x + a * r, y + b * r) : context.moveTo(x + a * r, y + b * r)));
    context.closePath();
  } else context.arc(x, y, r, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
}

// ------------------------------------------------------------------ the network

// Where the units stand: columns of those that fit, from both ends where a layer is too wide, and how many are left out.
function plan(run, width) {
  const tall = Math.max(window.innerHeight * 0.58, 260);
  const inputs = Array.from({ length: run.inputs }, (_, i) => ({ layer: 0, index: i, name: `x${i + 1}` }));
  const layers = [inputs, ...run.layers.map((layer) => layer.units)];
  const most = Math.max(...layers.map((units) => units.length));
  const room = Math.floor((tall - 60) / SPACED);
  const height = Math.min(tall, Math.max(Math.min(most, room) * 96, 150) + 60);
  const left = Math.min(READING, width * 0.21);
  const right = Math.min(READING + 42, width * 0.27);
  const gap = (width - left - right) / (layers.length - 1);
  const columns = layers.map((units, k) => {
    const half = Math.ceil((room - 1) / 2);
    const shown = units.length <= room ? units : [...units.slice(0, half), ...units.slice(units.length - (room - 1 - half))];
    const slots = shown.length + (shown.length < units.length);
    const pitch = Math.min((height - 60) / slots, 96);
    const top = 44 + (height - 60 - pitch * slots) / 2 + pitch / 2;
    const places = shown.map((unit, i) => ({ unit, x: left + k * gap, y: top + pitch * (i + (slots > shown.length && i >= half)) }));
    return { places, pitch, hidden: units.length - shown.length, cut: top + pitch * half, x: left + k * gap };
  });
  const pitch = Math.min(...columns.map((column) => column.pitch));
  const worded = Math.min((pitch - 32) / 2, 22); // a circle with room for two lines of words below it
  const radius = Math.max(Math.min(worded >= 15 ? worded : pitch * 0.42, gap * 0.2, 22), 5);
  return { width, height, columns, radius, gap };
}

const titleOf = (run, k) => {
  if (k === 0) return "input";
  const kinds = [...new Set(run.layers[k - 1].activations)].map((kind) => kind || "a function of your own").join("/");
  const name = k === run.layers.length ? "output" : run.layers.length === 2 ? "hidden" : `hidden ${k}`;
  return kinds === "linear" ? name : `${name}: ${kinds}`;
};

// Show a run. `live` is for one that goes on: `asks()` says whether a click on the plane asks the model, `playing()`
// whether it runs. Returned is what then brings the next frame.
function startTraining(root, run, live = null) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const stage = part("stage");
  const picture = part("picture");
  const last = run.epochs.length - 1;
  const largestOf = (run) => run.parameters.reduce((most, w) => (Number.isFinite(w) ? Math.max(most, Math.abs(w)) : most), 0) || 1;
  let largest = largestOf(run);
  const flat = run.span.length > 0;
  const state = { frame: 0, sample: 0, probe: null, unit: run.all.at(-(run.outputs || 1)) ?? null, lines: "weights", field: "" };
  let [drawn, off, fields, colours] = [null, new Set(), null, coloursOf(root)];
  const charts = [];

  // ------------------------------------------------------------ what is shown

  const parameter = (unit, i) => run.parameters[state.frame * run.size + unit.first + i];
  const at = (unit) => (state.frame * run.samples.length + state.sample) * run.units + unit.place;
  const inputOf = () => state.probe ?? run.samples[state.sample].x;
  let probed = null; // activations at a place that is no sample
  const value = (unit) => (unit.layer === 0 ? inputOf()[unit.index] : probed ? probed[unit.place] : run.activations[at(unit)]);
  const delta = (unit) => {
    if (unit.layer === 0 || probed) return null;
    const number = run.deltas[at(unit)];
    return Number.isNaN(number) && run.note ? null : number;
  };
  const below = (unit) => (unit.layer === 1 ? drawn.inputs : run.layers[unit.layer - 2].units);
  const gradient = (unit, i) => {
    const [slope, source] = [delta(unit), i < unit.inputs ? below(unit)[i] : null];
    return slope === null ? null : slope * (source ? value(source) : 1);
  };
  const shownOn = (unit, i) => (state.lines === "weights" ? parameter(unit, i) : gradient(unit, i));

  const epochWords = () => {
    const epoch = run.epochs[state.frame];
    if (run.within && state.frame === last) return `within epoch ${epoch} (${run.stopped})`;
    return epoch === 0 ? "before training" : `epoch ${epoch}`;
  };
  const rowAt = (frame) => (run.within && frame === last ? -1 : (run.columns.epoch ?? []).indexOf(run.epochs[frame]));

  // -------------------------------------------------------------- the network

  function layOut() {
    if (!run.layers.length) return;
    drawn = { ...plan(run, Math.max(stage.clientWidth, 200)), lines: [], units: new Map() };
    drawn.inputs = Array.from({ length: run.inputs }, (_, i) => ({ layer: 0, index: i, name: `x${i + 1}` }));
    const { width, height, columns, radius } = drawn;
    picture.replaceChildren();
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    picture.setAttribute("width", width);
    picture.setAttribute("height", height);
    columns.forEach((column, k) => {
      make(picture, "text", { x: column.x, y: 16, class: "title" }, fitting(titleOf(run, k), k));
      if (column.hidden) make(picture, "text", { x: column.x, y: column.cut + 4, class: "title" }, `… ${column.hidden} more …`);
      column.dead = make(picture, "text", { x: column.x, y: 30, class: "title dead" });
    });
    columns.slice(1).forEach((column, k) => {
      for (const to of column.places) for (const from of columns[k].places) drawn.lines.push(layLine(from, to, radius));
    });
    for (const column of columns) for (const spot of column.places) layUnit(spot, column, radius);
  }

  // A title as wide as there is room for: without its activation where columns are close.
  const fitting = (title, k) => (drawn.gap > title.length * 6.4 || k === 0 ? title : title.split(":")[0]);

  function layLine(from, to, radius) {
    const length = Math.hypot(to.x - from.x, to.y - from.y) || 1;
    const [ux, uy] = [(to.x - from.x) / length, (to.y - from.y) / length];
    const d = `M${from.x + ux * radius} ${from.y + uy * radius}L${to.x - ux * radius} ${to.y - uy * radius}`;
    const line = { unit: to.unit, source: from.unit, path: make(picture, "path", { d, class: "edge" }) };
    const reach = make(picture, "path", { d, class: "reach" });
    reach.addEventListener("pointermove", (event) => tell(event, lineWords(line)));
    reach.addEventListener("pointerleave", () => tell(null));
    reach.addEventListener("click", () => choose(to.unit));
    return line;
  }

  function layUnit({ unit, x, y }, column, radius) {
    const group = make(picture, "g", { class: "unit", role: "button", tabindex: "-1" });
    const kind = unit.layer === 0 ? "input" : unit.layer === run.layers.length ? "output" : "neuron";
    const circle = make(group, "circle", { cx: x, cy: y, r: radius, class: kind });
    make(group, "path", { class: "cross", d: crossing(x, y, radius * 0.72) });
    const minus = make(group, "text", { x, y: y + 4, "text-anchor": "middle" }); // so that no colour is needed
    const beside = unit.layer === 0 || unit.layer === run.layers.length;
    const roomy = column.pitch >= 2 * radius + 32 && drawn.gap >= 90;
    const texts = [];
    if (beside) {
      const [tx, anchor] = unit.layer === 0 ? [x - radius - 6, "end"] : [x + radius + 6, "start"];
      const rows = unit.layer === 0 ? 2 : 4;
      for (let i = 0; i < (column.pitch >= 14 * rows ? rows : 1); i += 1) {
        texts.push(make(group, "text", { x: tx, y: y + 4 + 14 * (i - (column.pitch >= 14 * rows ? rows - 2 : 0) / 2), "text-anchor": anchor }));
      }
    } else if (roomy) for (const dy of [13, 26]) texts.push(make(group, "text", { x, y: y + radius + dy, "text-anchor": "middle" }));
    group.addEventListener("click", () => choose(unit));
    group.addEventListener("focus", () => near(unit));
    group.addEventListener("blur", () => near(null));
    group.addEventListener("pointerenter", () => near(unit));
    group.addEventListener("pointermove", (event) => tell(event, unitWords(unit)));
    group.addEventListener("pointerleave", () => {
      near(null);
      tell(null);
    });
    drawn.units.set(unit.layer === 0 ? `x${unit.index}` : unit.place, { unit, group, circle, minus, texts, x, y, beside });
  }

  const crossing = (x, y, r) => `M${x - r} ${y - r}L${x + r} ${y + r}M${x - r} ${y + r}L${x + r} ${y - r}`;
  const keyOf = (unit) => (unit.layer === 0 ? `x${unit.index}` : unit.place);

  function drawNetwork() {
    if (!drawn) return;
    const thin = drawn.lines.length > 200 ? 0.45 : drawn.lines.length > MOST_LABELLED ? 0.65 : 1;
    for (const { unit, source, path } of drawn.lines) {
      const shown = shownOn(unit, source.index);
      const width = state.lines === "weights" ? 0.4 + 5 * (Math.min(Math.abs(shown), largest) / largest) : lineWidth(shown ?? 0);
      path.setAttribute("class", `edge ${signOf(shown)}`);
      path.setAttribute("stroke-width", ((Number.isNaN(width) ? 2 : width) * thin).toFixed(2));
    }
    for (const [key, { unit, group, circle, minus, texts, beside }] of drawn.units) {
      const chosen = state.unit && keyOf(state.unit) === key;
      group.classList.toggle("chosen", Boolean(chosen));
      group.classList.toggle("off", off.has(key));
      group.setAttribute("tabindex", chosen ? "0" : "-1");
      group.setAttribute("aria-label", unitWords(unit));
      minus.textContent = !flat && unit.layer && value(unit) < 0 ? "−" : "";
      if (!flat && unit.layer) circle.style.fill = `rgb(${shade(colours, value(unit), 0, reachOf(unit))})`;
      else circle.style.fill = unit.layer && flat ? "none" : "";
      const slope = delta(unit);
      const words = beside
        ? [`${unit.name}`, `${number(value(unit), 3)}`, slope === null ? "" : `δ ${marked(slope, 3)}`, targetWords(unit)]
        : [`${unit.name} = ${number(value(unit), 3)}`, off.has(key) ? "dead" : slope === null ? "" : `δ ${marked(slope, 3)}`];
      if (beside && texts.length === 1) words[0] = `${unit.name} = ${number(value(unit), 3)}`;
      texts.forEach((text, i) => {
        text.textContent = words[i] ?? "";
        const about = i === (beside ? 2 : 1) && words[i].startsWith("δ") ? signOf(slope) : "plain";
        text.setAttribute("class", `${i === 0 && beside ? "name" : ""} ${about}`);
      });
    }
    drawn.columns.forEach((column, k) => {
      const count = k ? run.layers[k - 1].units.filter((unit) => off.has(unit.place)).length : 0;
      column.dead.textContent = count ? `${count} of ${run.layers[k - 1].units.length} dead` : "";
    });
    drawThumbnails();
  }

  // Without a plane a circle has the colour of its activation, as a share of the largest in its layer.
  const reachOf = (unit) => Math.max(...run.layers[unit.layer - 1].units.map((one) => Math.abs(value(one))).filter(Number.isFinite), 1e-12);

  function drawThumbnails() {
    const { width, height, radius } = drawn;
    const context = sheet(part("thumbnails"), width, height);
    if (!flat) return;
    for (const { unit, x, y } of drawn.units.values()) {
      if (unit.layer === 0) continue;
      const values = fields.units[unit.place];
      const reach = values.reduce((most, a) => Math.max(most, Math.abs(a)), 0);
      context.save();
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.clip();
      const box = { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
      if (run.span.length === 2) {
        const look = { ink: colours.ink, strokes: 5, below: ([a]) => a < 0, region: ([a]) => Math.sign(Math.round(1e9 * a)) };
        paint(context, [values], fields.side, box, { ...look, colour: ([a]) => shade(colours, a, 0, reach) });
      } else trace(context, values, box, [-reach || -1, reach || 1], colours.ink);
      context.restore();
    }
  }

  // A curve over the only input.
  function trace(context, values, box, [low, high], colour, dash = []) {
    context.save();
    context.beginPath();
    context.setLineDash(dash);
    context.strokeStyle = colour;
    context.lineWidth = 1.6;
    values.forEach((a, i) => {
      const spot = [box.x + (box.width * i) / (values.length - 1), box.y + box.height * (1 - (a - low) / (high - low))];
      if (i) context.lineTo(...spot);
      else context.moveTo(...spot);
    });
    context.stroke();
    context.restore();
  }

  const targetOf = (unit) => {
    if (state.probe || unit.layer !== run.layers.length || !run.layers.length) return null;
    const { t } = run.samples[state.sample];
    if (run.task.kind === "classes") return classOf(t) === unit.index ? "its class" : "";
    return Array.isArray(t) ? t[unit.index] : t;
  };
  const targetWords = (unit) => {
    const target = targetOf(unit);
    return target === null || target === "" ? "" : typeof target === "string" ? `◀ ${target}` : `target ${number(target)}`;
  };

  function lineWords({ unit, source }) {
    const slope = gradient(unit, source.index);
    const words = `w from ${source.name} to ${unit.name} = ${number(parameter(unit, source.index))}`;
    return slope === null ? words : `${words}\n∂loss/∂w = δ × ${source.name} = ${marked(slope)}`;
  }

  function unitWords(unit) {
    const slope = delta(unit);
    const words = [`${unit.name} = ${number(value(unit))}`];
    if (slope !== null) words.push(`δ = ${marked(slope)}`);
    if (off.has(unit.place)) words.push("dead: off for all samples");
    if (targetWords(unit)) words.push(targetWords(unit).replace("◀ ", ""));
    return words.join(", ");
  }

  // A few words beside the pointer; null takes them away.
  function tell(event, words) {
    const tip = part("tip");
    tip.hidden = event === null;
    if (event === null) return;
    tip.textContent = words;
    const [x, y] = [event.clientX, event.clientY];
    tip.style.left = `${Math.max(4, Math.min(x + 14, window.innerWidth - tip.offsetWidth - 8))}px`;
    tip.style.top = `${y + 18 + tip.offsetHeight > window.innerHeight ? y - tip.offsetHeight - 10 : y + 18}px`;
  }

  // While a unit is looked at, the lines of the others step back.
  function near(unit) {
    picture.classList.toggle("looking", unit !== null);
    for (const { unit: to, source, path } of drawn.lines) {
      path.classList.toggle("near", unit !== null && [keyOf(to), keyOf(source)].includes(keyOf(unit)));
    }
  }

  function choose(unit) {
    state.unit = unit;
    drawNetwork();
    drawPanel();
  }

  // From unit to unit by the arrow keys.
  function step(event) {
    const moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!moves || !drawn || !state.unit || !event.target.closest("g.unit")) return;
    event.preventDefault();
    event.stopPropagation();
    const k = state.unit.layer;
    const i = drawn.columns[k].places.findIndex((spot) => keyOf(spot.unit) === keyOf(state.unit));
    const column = drawn.columns[Math.max(0, Math.min(k + moves[0], drawn.columns.length - 1))].places;
    const y = drawn.columns[k].places[i].y;
    const closest = column.reduce((best, spot) => (Math.abs(spot.y - y) < Math.abs(best.y - y) ? spot : best));
    const spot = moves[0] ? closest : column[Math.max(0, Math.min(i + moves[1], column.length - 1))];
    choose(spot.unit);
    drawn.units.get(keyOf(spot.unit)).group.focus();
  }

  // ---------------------------------------------------- the numbers of a unit

  function drawPanel() {
    const box = part("lines-of-unit");
    box.replaceChildren();
    if (!state.unit) {
      drawOutputs(box);
      return;
    }
    const { unit } = state;
    const slope = delta(unit);
    if (unit.layer === 0) {
      part("title").textContent = `${unit.name} = ${number(value(unit))}`;
      const rows = run.layers[0].units.map((to) => [to.name, number(parameter(to, unit.index)), marked(gradient(to, unit.index))]);
      tabulate(box, ["to", "weight w", "∂loss/∂w"], rows);
      return;
    }
    const sources = below(unit);
    const activation = unit.activation === "linear" ? "z" : `${unit.activation || "f"}(z)`;
    part("title").textContent = `${unit.name} = ${activation} = ${number(value(unit))}`;
    const terms = sources.map((source, i) => parameter(unit, i) * value(source));
    const bias = parameter(unit, unit.inputs);
    const z = terms.reduce((sum, term) => sum + term, bias);
    const rule = `z = ${unit.bias ? "b + " : ""}Σ w · a = ${number(z)}`;
    add(box, "p", slope === null ? rule : `${rule},  δ = ∂loss/∂z = ${marked(slope)}`);
    if (off.has(unit.place)) add(box, "p", `Dead: z ≤ ${number(unit.deadBelow)} for ${manyPoints()}, so it learns nothing.`, "dead");
    const rows = sources.map((source, i) => {
      const parts = [number(parameter(unit, i)), number(value(source)), number(terms[i]), marked(gradient(unit, i))];
      return [source.name, ...parts];
    });
    if (unit.bias) rows.push(["bias b", number(bias), "1", number(bias), slope === null ? "·" : marked(slope)]);
    tabulate(box, ["from", "weight w", "a", "w · a", "∂loss/∂w = δ · a"], rows);
  }

  const manyPoints = () =>
    run.points.x.length < run.points.of ? `${run.points.x.length} of the ${run.points.of} samples` : `all ${run.points.of} samples`;

  // A model that is no stack has outputs and no units.
  function drawOutputs(box) {
    part("title").textContent = `sample ${run.samples[state.sample].number}`;
    const first = (state.frame * run.samples.length + state.sample) * run.units;
    const { t } = run.samples[state.sample];
    const rows = Array.from({ length: run.units }, (_, k) => [`o${k + 1}`, number(run.activations[first + k])]);
    tabulate(box, ["output", "value"], rows);
    add(box, "p", `${run.task.kind === "classes" ? "class" : "target"} ${written(run.task.kind === "classes" ? classOf(t) : t)}`);
  }

  function tabulate(box, head, rows) {
    const wide = add(box, "div", "", "wide");
    wide.tabIndex = 0;
    wide.setAttribute("role", "region");
    wide.setAttribute("aria-label", "weights of the unit");
    const table = add(wide, "table");
    const top = add(add(table, "thead"), "tr");
    for (const word of head) add(top, "th", word);
    const body = add(table, "tbody");
    for (const row of rows) {
      const line = add(body, "tr");
      row.forEach((word, i) => {
        const sign = word.startsWith("▲") ? "positive" : word.startsWith("▼") ? "negative" : "";
        add(line, i ? "td" : "th", word, sign);
      });
    }
  }

  // ---------------------------------------------------------------- the plane

  const field = () => (state.field === "largest" ? null : Number(state.field || 0));
  const unitOf = (k) => (run.layers.length ? run.layers.at(-1).units[k].place : k);
  const outputFields = () => Array.from({ length: run.outputs }, (_, k) => fields.units[unitOf(k)]);

  // Where the colour of an output changes, and from where on it is full.
  function scaleOf(k, values) {
    const reach = run.task.reach[k] ?? Math.max(...values.map((a) => Math.abs(a - run.task.middle[k])).filter(Number.isFinite), 1e-12);
    return { middle: run.task.middle[k], reach };
  }

  function drawPlane() {
    if (!flat) return;
    const canvas = part("plane");
    const width = Math.max(Math.min(part("plane-card").clientWidth - 24, window.innerHeight * 0.58), 160);
    const context = sheet(canvas, width, run.span.length === 2 ? width : width * 0.75);
    const box = { x: 34, y: 6, width: width - 42, height: (run.span.length === 2 ? width : width * 0.75) - 34 };
    canvas.box = box;
    if (run.span.length === 2) drawRegions(context, box);
    else drawLine(context, box);
    context.strokeStyle = colours.line;
    context.strokeRect(box.x, box.y, box.width, box.height);
    axisWords(context, box, run.span[0], run.span[1] ?? heights());
    drawPoints(context, box);
    const shown = state.probe ? `the point ${place(state.probe)}` : `sample ${run.samples[state.sample].number}`;
    canvas.setAttribute("aria-label", `The model ${epochWords()}: ${part("key").textContent} Chosen: ${shown}.`);
  }

  function axisWords(context, box, [left, right], [bottom, top]) {
    context.fillStyle = colours.quiet;
    context.font = "11px Helvetica, Arial, sans-serif";
    const words = [[left, box.x, "left"], [(left + right) / 2, box.x + box.width / 2, "center"], [right, box.x + box.width, "right"]];
    for (const [x, at, align] of words) {
      context.textAlign = align;
      context.fillText(align === "center" ? "x1" : number(x, 2), at, box.y + box.height + 15);
    }
    context.textAlign = "right";
    context.fillText(number(top, 2), box.x - 4, box.y + 10);
    context.fillText(number(bottom, 2), box.x - 4, box.y + box.height);
    context.fillText(run.span.length === 2 ? "x2" : "y", box.x - 4, box.y + box.height / 2);
  }

  function drawRegions(context, box) {
    const values = outputFields();
    const k = field();
    if (k === null) {
      const first = (numbers) => numbers.reduce((best, a, i) => (a > numbers[best] ? i : best), 0);
      const tones = values.map((_, i) => mix(rgb(colours.paper), rgb(classColour(i)), 0.38));
      const look = { colour: (numbers) => tones[first(numbers)], below: () => false, region: first, ink: colours.ink };
      paint(context, values, fields.side, box, look);
      nameRegions(context, values, box, first);
      return;
    }
    const { middle, reach } = scaleOf(k, values[k]);
    const line = run.task.kind === "numbers" ? () => 0 : ([a]) => (a > middle ? 1 : 0);
    const look = { colour: ([a]) => shade(colours, a, middle, reach), below: ([a]) => a < middle, region: line, ink: colours.ink };
    paint(context, [values[k]], fields.side, box, look);
  }

  const classColour = (i) => colours.classes[i % colours.classes.length];

  // The number of the class, over and over, where it is the largest.
  function nameRegions(context, values, box, first) {
    const lookups = values.map((one) => between(one, fields.side));
    context.font = "bold 11px Helvetica, Arial, sans-serif";
    context.textAlign = "center";
    for (let y = 22; y < box.height; y += 44) {
      for (let x = 22 + (y % 88 === 22 ? 0 : 22); x < box.width; x += 44) {
        const k = first(lookups.map((at) => at(x / box.width, 1 - y / box.height)));
        context.fillStyle = classColour(k);
        context.fillText(String(k), box.x + x, box.y + y + 4);
      }
    }
  }

  // With one input the plane has the model's outputs as heights.
  function heights() {
    const targets = run.points.t.flat().filter(Number.isFinite);
    const [low, high] = [Math.min(...targets), Math.max(...targets)];
    const margin = 0.2 * (high - low) || 0.5;
    return [low - margin, high + margin];
  }

  function drawLine(context, box) {
    context.save();
    context.beginPath();
    context.rect(box.x, box.y, box.width, box.height);
    context.clip();
    outputFields().forEach((values, k) => {
      const dash = DASHES[k % DASHES.length].split(" ").filter(Boolean).map(Number);
      trace(context, values, box, heights(), k ? classColour(k) : colours.ink, dash);
    });
    context.restore();
  }

  // Where a point with that target is in the plane.
  function spot(x, t, box) {
    const [[left, right], [bottom, top]] = [run.span[0], run.span[1] ?? heights()];
    const up = run.span.length === 2 ? x[1] : Array.isArray(t) ? t[0] : t;
    return [box.x + (box.width * (x[0] - left)) / (right - left), box.y + box.height * (1 - (up - bottom) / (top - bottom))];
  }

  function look(t) {
    const { kind, labels } = run.task;
    if (kind === "classes") return [classOf(t), classColour(classOf(t))];
    if (kind === "labels") return t === labels[1] ? [0, colours.positive] : [1, colours.negative];
    const first = Array.isArray(t) ? t[0] : t;
    return [0, run.span.length === 1 ? colours.positive : `rgb(${shade(colours, first, run.task.middle[0], run.task.reach[0])})`];
  }

  function drawPoints(context, box) {
    const radius = run.points.x.length > 300 ? 2.5 : 4;
    run.points.x.forEach((x, i) => {
      const [kind, colour] = look(run.points.t[i]);
      context.fillStyle = colour;
      context.strokeStyle = run.task.kind === "numbers" ? colours.ink : colours.paper;
      context.lineWidth = 1;
      mark(context, kind, ...spot(x, run.points.t[i], box), radius);
    });
    run.test?.x.forEach((x, i) => { // held out: hollow
      const [kind, colour] = look(run.test.t[i]);
      context.fillStyle = colours.paper;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      mark(context, kind, ...spot(x, run.test.t[i], box), radius - 0.5);
    });
    run.samples.forEach(({ x, t }, i) => {
      const [cx, cy] = spot(x, t, box);
      const chosen = !state.probe && i === state.sample;
      context.beginPath();
      context.arc(cx, cy, chosen ? radius + 5 : radius + 2.5, 0, 2 * Math.PI);
      context.strokeStyle = colours.ink;
      context.lineWidth = chosen ? 2.5 : 1.2;
      context.stroke();
    });
    if (!state.probe) return;
    const [cx, cy] = spot(state.probe, probed ? probed[unitOf(0)] : 0, box);
    context.strokeStyle = colours.ink;
    context.lineWidth = 2;
    context.stroke(new Path2D(crossing(cx, cy, 7)));
  }

  // The scale of the colours, in words and as a strip.
  function drawScale() {
    const strip = part("scale");
    const k = field();
    const striped = run.span.length === 2 && k !== null;
    strip.hidden = !striped;
    part("key").textContent = keyWords(k);
    if (!striped) return;
    const { middle, reach } = scaleOf(k, outputFields()[k]);
    const width = Math.min(part("plane-card").clientWidth - 24, 320);
    const context = sheet(strip, width, 30);
    const values = Float64Array.from({ length: 4 }, (_, i) => middle + reach * (i % 2 ? 1 : -1));
    const look = { colour: ([a]) => shade(colours, a, middle, reach), below: ([a]) => a < middle, region: ([a]) => Number(a > middle) };
    paint(context, [values], 2, { x: 0, y: 0, width, height: 12 }, { ...look, ink: colours.ink });
    context.fillStyle = colours.quiet;
    context.font = "11px Helvetica, Arial, sans-serif";
    [["left", 0, `≤ ${number(middle - reach, 3)}`], ["center", width / 2, number(middle, 3)], ["right", width, `≥ ${number(middle + reach, 3)}`]].forEach(
      ([align, x, words]) => {
        context.textAlign = align;
        context.fillText(words, x, 26);
      },
    );
  }

  function keyWords(k) {
    const { kind, labels } = run.task;
    const elsewhere = run.computed && run.layers.length ? "; a click elsewhere asks the model there" : "";
    const rings = `Rings: samples to choose by a click${elsewhere}.`;
    if (run.span.length === 1) return `Dots: the data. Line: the model. ${rings}`;
    const shapes = ["circle", "square", "triangle", "diamond", "triangle down", "plus"];
    if (kind === "classes") {
      const classes = Array.from({ length: run.outputs }, (_, i) => `${i}: ${shapes[i % 6]}`).join(", ");
      return `${k === null ? "The number in a region is the class of the largest output." : `Colour: output o${k + 1}, striped below 0.`} Points by class: ${classes}. ${rings}`;
    }
    if (kind === "labels") return `Line: the boundary; striped: below it. Circle: label ${number(labels[1])}, square: ${number(labels[0])}. ${rings}`;
    return `Colour: the output, striped below the middle; points by their targets. ${rings}`;
  }

  function pick(event) {
    if (live && !live.asks()) return;
    const canvas = part("plane");
    const { box } = canvas;
    const bounds = canvas.getBoundingClientRect();
    const [x, y] = [event.clientX - bounds.left, event.clientY - bounds.top];
    const far = run.samples.map((one) => {
      const [cx, cy] = spot(one.x, one.t, box);
      return Math.hypot(cx - x, cy - y);
    });
    const closest = far.indexOf(Math.min(...far));
    if (far[closest] <= 14) selectSample(closest);
    else if (run.computed && x >= box.x && x <= box.x + box.width && y >= box.y && y <= box.y + box.height) {
      const across = [(x - box.x) / box.width, 1 - (y - box.y) / box.height];
      state.probe = run.span.map(([low, high], i) => low + (high - low) * across[i]);
      part("sample").selectedIndex = run.samples.length;
      part("sample").options[run.samples.length].textContent = `the point ${place(state.probe)}`;
      part("sample").options[run.samples.length].hidden = false;
      show(state.frame);
    }
  }

  function selectSample(i) {
    if (i >= run.samples.length) return;
    state.sample = i;
    state.probe = null;
    part("sample").selectedIndex = i;
    part("sample").options[run.samples.length].hidden = true;
    show(state.frame);
  }

  // --------------------------------------------------------------- the curves

  // One chart: series of [name, epochs, numbers], on a logarithmic axis where `log` says so.
  function addChart(title, series, log) {
    const box = add(part("curves"), "figure");
    const head = add(box, "figcaption", title);
    const svg = make(box, "svg", { role: "img" });
    const legend = add(box, "ul");
    const chart = { title, svg, series: [], log, box, legend, head };
    for (const [name, epochs, numbers] of series) {
      const item = add(legend, "li");
      const swatch = make(item, "svg", { width: 26, height: 8, "aria-hidden": "true" });
      const k = chart.series.length;
      make(swatch, "path", { d: "M0 4H26", "stroke-dasharray": DASHES[k % DASHES.length], class: `series s${k % 5}` });
      chart.series.push({ name, epochs, numbers, words: add(item, "span", name) });
    }
    if (title === "loss" && Math.min(...series.flatMap(([, , numbers]) => numbers.filter(Number.isFinite))) > 0) {
      const label = add(head, "label", " log axis ");
      const box = add(label, "input");
      box.type = "checkbox";
      box.addEventListener("change", () => {
        chart.log = box.checked;
        layChart(chart);
        drawMarker(chart);
      });
    }
    svg.addEventListener("click", (event) => {
      const bounds = svg.getBoundingClientRect();
      const epoch = chart.epochAt(event.clientX - bounds.left);
      const far = run.epochs.map((one) => Math.abs(one - epoch));
      frames.go(far.indexOf(Math.min(...far)));
    });
    charts.push(chart);
  }

  function layChart(chart) {
    const { svg, series, log } = chart;
    const [width, height] = [Math.max(chart.box.clientWidth, 160), 150];
    svg.replaceChildren();
    svg.setAttribute("width", width);
    svg.setAttribute("height", height);
    const kept = (y) => Number.isFinite(y) && (!log || y > 0);
    const all = series.flatMap(({ numbers }) => numbers.filter(kept)).map((y) => (log ? Math.log10(y) : y));
    let [low, high] = all.length ? [all.reduce((a, b) => Math.min(a, b)), all.reduce((a, b) => Math.max(a, b))] : [0, 1];
    if (high - low < 1e-12 * Math.max(Math.abs(high), 1)) [low, high] = [low - 0.5, high + 0.5];
    const epochs = [...run.epochs, ...(run.columns.epoch ?? [])];
    const [from, to] = [epochs.reduce((a, b) => Math.min(a, b)), Math.max(epochs.reduce((a, b) => Math.max(a, b)), 1)];
    const box = { x: 58, y: 8, width: width - 68, height: height - 30 };
    chart.x = (epoch) => box.x + (box.width * (epoch - from)) / (to - from || 1);
    chart.y = (y) => box.y + box.height * (1 - ((log ? Math.log10(y) : y) - low) / (high - low));
    chart.epochAt = (x) => from + ((x - box.x) / box.width) * (to - from);
    for (const share of [0, 0.5, 1]) {
      const y = low + (high - low) * share;
      const up = box.y + box.height * (1 - share);
      make(svg, "path", { d: `M${box.x} ${up}H${box.x + box.width}`, class: "rule" });
      make(svg, "text", { x: box.x - 5, y: up + 4, "text-anchor": "end" }, number(log ? 10 ** y : y, 3));
    }
    for (const [epoch, anchor] of [[from, "start"], [to, "end"]]) {
      make(svg, "text", { x: chart.x(epoch), y: height - 6, "text-anchor": anchor }, number(epoch, 6));
    }
    make(svg, "text", { x: box.x + box.width / 2, y: height - 6, "text-anchor": "middle" }, log ? "epoch (log axis, without 0)" : "epoch");
    series.forEach(({ epochs: xs, numbers }, k) => {
      let d = "";
      xs.forEach((epoch, i) => {
        if (!kept(numbers[i])) return;
        d += `${i && kept(numbers[i - 1]) ? "L" : "M"}${chart.x(epoch).toFixed(1)} ${chart.y(numbers[i]).toFixed(1)}`;
      });
      make(svg, "path", { d, class: `series s${k % 5}`, "stroke-dasharray": DASHES[k % DASHES.length] });
    });
    chart.line = make(svg, "path", { class: "now" });
    chart.dots = series.map((_, k) => make(svg, "circle", { r: 4, class: `dot s${k % 5}` }));
    chart.range = [box.y, box.y + box.height];
  }

  function drawMarker(chart) {
    const epoch = run.epochs[state.frame];
    chart.line.setAttribute("d", `M${chart.x(epoch)} ${chart.range[0]}V${chart.range[1]}`);
    chart.series.forEach(({ name, epochs, numbers, words }, k) => {
      const i = run.within && state.frame === last ? -1 : epochs.indexOf(epoch);
      const y = i < 0 ? null : numbers[i];
      words.textContent = `${name} = ${number(y)}`;
      const shown = y !== null && Number.isFinite(y) && (!chart.log || y > 0);
      chart.dots[k].setAttribute("visibility", shown ? "visible" : "hidden");
      if (shown) {
        chart.dots[k].setAttribute("cx", chart.x(epoch));
        chart.dots[k].setAttribute("cy", chart.y(y));
      }
    });
    chart.svg.setAttribute("aria-label", `${chart.title} over the epochs; ${epochWords()}: ${chart.series.map(({ words }) => words.textContent).join(", ")}`);
  }

  function allCurves() {
    const columns = Object.entries(run.columns).map(([name, numbers]) => [name, run.columns.epoch, numbers.map(real)]);
    const losses = columns.filter(([name]) => LOSSES.includes(name));
    const metrics = columns.filter(([name]) => !["epoch", "lr", ...LOSSES].includes(name));
    const layers = [...new Set(run.flow.flatMap((row) => Object.keys(row)))];
    const flows = layers.map((layer) => [layer, run.epochs, run.flow.map((row) => (layer in row ? real(row[layer]) : NaN))]);
    const all = [["loss", losses, false], ["metrics", metrics, false], ["gradient by layer, root mean square", flows, true]];
    return all.filter(([, series]) => series.length);
  }

  function addCharts() {
    part("curves").replaceChildren();
    charts.length = 0;
    for (const curves of allCurves()) addChart(...curves);
  }

  // The curves as they are now, in the charts that are there, if they are of the same numbers.
  function growCharts() {
    const names = (curves) => JSON.stringify(curves.map(([title, series]) => [title, ...series.map(([name]) => name)]));
    const curves = allCurves();
    if (names(curves) !== names(charts.map(({ title, series }) => [title, series.map(({ name }) => [name])]))) addCharts();
    else curves.forEach(([, series], i) => series.forEach(([, epochs, numbers], k) => Object.assign(charts[i].series[k], { epochs, numbers })));
    charts.forEach(layChart);
  }

  // ------------------------------------------------------------- frame by frame

  function show(frame) {
    state.frame = frame;
    off = offUnits(run, state.frame);
    if (flat) fields = fieldsOf(run, state.frame);
    probed = state.probe ? forward(run, state.frame, columnsOf([state.probe])).outs.map(([a]) => a) : null;
    part("epoch").textContent = epochWords();
    part("numbers").textContent = numbersNow();
    part("slider")?.setAttribute("aria-valuetext", `${epochWords()}, ${part("numbers").textContent}`);
    drawNetwork();
    drawScale();
    drawPlane();
    drawPanel();
    charts.forEach(drawMarker);
    if (!frames.playing()) part("words").textContent = `${epochWords()}: ${part("numbers").textContent}`;
  }

  const frames = live ? { to: show, go: show, playing: live.playing } : transport(part, document, last, show);

  function numbersNow() {
    const row = rowAt(state.frame);
    const words = Object.entries(run.columns)
      .filter(([name]) => row >= 0 && !["epoch", "lr"].includes(name))
      .map(([name, numbers]) => `${name} = ${number(real(numbers[row]))}`);
    const loss = run.losses[state.frame * run.samples.length + state.sample];
    if (!state.probe && Number.isFinite(loss)) words.push(`loss of sample ${run.samples[state.sample].number} = ${number(loss)}`);
    const mortal = run.all.filter((unit) => unit.deadBelow !== null).length;
    if (mortal) words.push(`${off.size} of ${mortal} ${mortal === 1 ? "unit" : "units"} dead for ${manyPoints()}`);
    return words.join(" · ");
  }

  function layOutAll() {
    const focused = picture.contains(document.activeElement); // which is drawn anew
    colours = coloursOf(root);
    layOut();
    charts.forEach(layChart);
    frames.to(state.frame);
    if (focused) picture.querySelector("g.chosen")?.focus();
  }

  function legendWords() {
    const what = state.lines === "weights" ? "a wider line for a larger weight" : "a wider line for a larger gradient, a decade a step";
    const disc = [
      "Colour of a circle: its activation, as a share of the largest in its layer, with a minus where negative.",
      "In a circle: its activation over the input, in a scale of its own.",
      "In a circle: its activation over the plane, striped where negative, in a scale of its own.",
    ][run.span.length];
    const dead = run.all.some((unit) => unit.deadBelow !== null) ? " A cross: dead, off for all samples." : "";
    return `Lines: ${what}; blue positive, orange long dashes negative, short dashes zero. ${disc}${dead}`;
  }

  function addSamples() {
    const chosen = Math.min(state.sample, run.samples.length - 1);
    part("sample").replaceChildren();
    run.samples.forEach(({ number: k, x, t }) => {
      const target = run.task.kind === "classes" ? `class ${classOf(t)}` : written(t);
      part("sample").append(new Option(`${k}: ${place(x)} → ${target}`));
    });
    const other = new Option("a point of the plane");
    other.hidden = true;
    part("sample").append(other);
    if (state.probe) part("sample").selectedIndex = run.samples.length;
    else part("sample").selectedIndex = state.sample = chosen;
  }

  function addChoices() {
    addSamples();
    part("sample").addEventListener("change", () => selectSample(part("sample").selectedIndex));
    part("lines").addEventListener("change", () => {
      state.lines = part("lines").value;
      part("legend").textContent = legendWords();
      drawNetwork();
    });
    if (run.task.kind === "classes") part("field").append(new Option("class of the largest output", "largest"));
    for (let k = 0; k < run.outputs; k += 1) part("field").append(new Option(`output o${k + 1}`, String(k)));
    state.field = part("field").value;
    part("field-choice").hidden = run.outputs === 1 || run.span.length !== 2;
    part("field").addEventListener("change", () => {
      state.field = part("field").value;
      drawScale();
      drawPlane();
    });
  }

  const because = [run.why ? `There is no drawing of the network: ${run.why}.` : "", run.note].filter(Boolean).join(" ");
  part("why").textContent = because;
  part("why").hidden = !because;
  stage.hidden = part("lines-choice").hidden = part("legend").hidden = !run.layers.length;
  part("plane-card").hidden = !flat;
  root.classList.toggle("without-plane", !flat);
  root.classList.toggle("without-network", !run.layers.length);
  part("legend").textContent = legendWords();
  addChoices();
  addCharts();

  part("plane").addEventListener("click", pick);
  picture.addEventListener("keydown", step);
  if (window.matchMedia("(prefers-reduced-motion: reduce)").matches) part("speed").value = "900";
  for (const query of ["(prefers-color-scheme: dark)", "print"]) window.matchMedia(query).addEventListener("change", layOutAll);
  let [waiting, size] = [0, ""];
  const fit = () => {
    if (size === `${root.clientWidth} ${window.innerHeight}`) return; // of a page that only grew longer
    size = `${root.clientWidth} ${window.innerHeight}`;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(layOutAll);
  };
  new ResizeObserver(fit).observe(root);
  window.addEventListener("resize", fit);
  layOutAll();
  root.dataset.ready = "true";

  // The next frame of a run that goes on, in place of the one before it.
  function take(next) {
    const shape = ({ layers }) => JSON.stringify(layers.map(({ inputs, activations }) => [inputs, activations]));
    const other = shape(next) !== shape(run);
    const samples = JSON.stringify(next.samples) !== JSON.stringify(run.samples);
    const { layers, all, ...numbers } = next;
    Object.assign(run, other ? next : numbers); // what is drawn belongs to the units that were there
    largest = largestOf(run);
    if (other) state.unit = run.all.at(-1);
    if (samples) addSamples();
    growCharts();
    if (other) layOutAll();
    else show(0);
  }

  return { take, redraw: () => show(state.frame) };
}
