// The training tab: data, a network, and how it learns, in the habits of TensorFlow Playground.
//
// Python learns and sends a frame; what is drawn of it is the film's, nn/training.js. What learns stands behind
// `begin`, `change` and `advance` of worker.js.

import { columnsOf, forward, number, startTraining, unpack } from "network";
import { Settings, DEFAULTS, MOST_POINTS } from "./settings.js";
import { paintOn } from "./paint.js";
import { Stopped } from "./python.js";

const part = (id) => document.getElementById(id);
const SLICE = 0.12; // seconds of learning from one frame to the next
const MOST_ROWS = 400; // of a curve; over it every second one goes
const SPAN = [[-2, 2], [-2, 2]];
const ONLY_CHANGED = ["lr", "decay", "batch", "test"]; // the others begin anew

export class Lab {
  constructor(python, { changed }) {
    Object.assign(this, { python, changed });
    this.form = new Settings((name) => this.set(name));
    this.columns = {};
    this.points = [];
    this.epoch = 0;
    this.started = this.playing = this.busy = false;
    this.film = this.run = null;
    part("play").addEventListener("click", () => (this.playing ? this.pause() : this.play()));
    part("step").addEventListener("click", () => this.advance(1));
    part("reset").addEventListener("click", () => this.begin());
    for (const button of part("presets").querySelectorAll("[data-preset]")) {
      button.addEventListener("click", () => this.takePreset(button.dataset.preset));
    }
    this.arrange();
    part("clear").addEventListener("click", () => this.setPoints([]));
    for (const button of document.querySelectorAll("[data-add]")) button.addEventListener("click", () => this.addPoint(button));
  }

  // The brushes belong to the plane; on a small screen the plane comes first and the settings last.
  arrange() {
    const cards = part("training").querySelector(".cards");
    const plane = cards.querySelector("[data-part='plane-card']");
    plane.querySelector(".choices").append(part("brushes"), part("hollow"));
    if (!window.matchMedia("(max-width: 900px)").matches) return;
    cards.prepend(plane);
    cards.after(part("training").querySelector(".settings"));
  }

  get settings() {
    return this.form.settings;
  }

  set settings(settings) {
    this.form.settings = settings;
  }

  checked = (settings) => this.form.checked(settings);
  fill = () => this.form.fill();
  isChanged = () => JSON.stringify(this.settings) !== JSON.stringify(DEFAULTS);

  say(words) {
    part("training-words").textContent = words;
    part("training-words").hidden = !words;
  }

  // ------------------------------------------------------------- what is asked

  async open() {
    if (this.started) return;
    if (this.settings.points) this.use(this.settings.points);
    else await this.takePreset(this.settings.preset);
  }

  // One request at a time; its frame is shown. What goes wrong is said, and the training pauses.
  async request(operation, data) {
    if (this.busy) return false;
    this.busy = true;
    try {
      this.show(unpack(await this.python.ask(operation, data)));
      this.say("");
      return true;
    } catch (error) {
      this.pause();
      if (!(error instanceof Stopped)) this.say(error.message);
      requestAnimationFrame(() => this.preview(this.points)); // the last frame may have had others
      return false;
    } finally {
      this.busy = false;
      if (this.next) this.next();
    }
  }

  // After what is asked now, this; of several only the last.
  later(act) {
    this.next = () => {
      this.next = null;
      act();
    };
    if (!this.busy) this.next();
  }

  begin() {
    this.later(async () => {
      this.columns = {};
      this.started = await this.request("begin", this.forPython());
    });
  }

  forPython() {
    return { settings: { ...this.settings, points: this.points } };
  }

  change() {
    if (!this.started) this.begin();
    else this.later(() => this.request("change", this.forPython()));
  }

  forget() {
    this.pause();
    this.started = false;
    if (!part("view-training").hidden) this.open();
  }

  set(name) {
    this.changed();
    if (["noise", "count"].includes(name)) this.takePreset(this.settings.preset);
    else if (ONLY_CHANGED.includes(name)) this.change();
    else this.begin();
  }

  // ------------------------------------------------------------------ learning

  play() {
    this.playing = true;
    this.sign();
    if (!this.started) this.begin();
    this.go();
  }

  pause() {
    this.playing = false;
    this.sign();
  }

  sign() {
    part("play").textContent = this.playing ? "Pause" : "Play";
    part("play").setAttribute("aria-pressed", String(this.playing));
    part("rate").textContent = "";
  }

  async go() {
    if (this.going) return; // the loop that was there goes on
    this.going = true;
    while (this.playing) {
      const [begun, before] = [performance.now(), this.epoch];
      if (!this.busy && !this.started) this.pause(); // it could not begin, and says why
      else if (this.busy) await new Promise((resolve) => setTimeout(resolve, 50));
      else if (await this.request("advance", { seconds: SLICE, most: Number(part("speed").value) })) {
        const rate = (1000 * (this.epoch - before)) / (performance.now() - begun);
        part("rate").textContent = this.playing && rate > 0 ? `· ${number(rate, 2)} epochs a second` : "";
      }
    }
    this.going = false;
  }

  advance(most) {
    if (this.started) this.later(() => this.request("advance", { seconds: 60, most }));
    else this.begin();
  }

  // ---------------------------------------------------------------------- data

  async takePreset(name) {
    Object.assign(this.settings, { preset: name, points: null });
    const { count, noise } = this.settings;
    try {
      this.use(await this.python.ask("points", { name, count, noise }));
    } catch (error) {
      if (!(error instanceof Stopped)) this.say(error.message);
    }
  }

  // Points of the reader's own, which are in the address.
  setPoints(points) {
    if (points.length > MOST_POINTS) {
      this.say(`There are ${MOST_POINTS} points, which is all that there may be: erase some, or take a set.`);
      return;
    }
    this.settings.points = points;
    this.use(points);
  }

  use(points) {
    this.points = points;
    this.preview(points);
    this.changed();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.change(), 200); // a stroke has many
  }

  // Points as they are painted, before Python has them.
  preview(points) {
    if (!this.run) return;
    const labels = this.settings.loss === "hinge" ? [-1, 1] : [0, 1];
    this.run.points = { x: points.map(([a, b]) => [a, b]), t: points.map(([, , kind]) => labels[kind]), of: points.length };
    this.run.test = { x: [], t: [] };
    this.film.redraw();
  }

  addPoint(button) {
    const place = ["x1", "x2"].map((id) => Math.max(-2, Math.min(Number(part(id).value) || 0, 2)));
    this.setPoints([...this.points, [...place, Number(button.dataset.add)]]);
  }

  // ------------------------------------------------------------------- a frame

  // A frame is drawn when the screen is next, so that Python works on another one in the meantime.
  show(frame) {
    this.note(frame);
    this.epoch = frame.epochs[0];
    if (!this.coming) requestAnimationFrame(() => this.draw());
    this.coming = { ...frame, columns: this.columns };
  }

  draw() {
    const frame = this.coming;
    this.coming = null;
    if (this.film) this.film.take(frame);
    else {
      this.run = frame;
      const brush = () => document.querySelector("input[name='brush']:checked").value;
      this.film = startTraining(part("training"), frame, { asks: () => brush() === "ask", playing: () => this.playing });
      const canvas = part("training").querySelector("[data-part='plane']");
      paintOn(canvas, { brush, span: SPAN, points: () => this.points, changed: (points) => this.setPoints(points) });
      const touch = () => { canvas.style.touchAction = brush() === "ask" ? "" : "none"; };
      part("brushes").addEventListener("change", touch);
    }
  }

  // Add what the frame says of its epoch to the curves, and how many points it has right.
  note(frame) {
    const [low, high] = frame.task.labels ?? [0, 1];
    const right = ({ x, t }) => {
      if (!x.length) return undefined;
      const outputs = forward(frame, 0, columnsOf(x)).outs.at(-1);
      return t.filter((target, i) => target === (outputs[i] > frame.task.middle[0] ? high : low)).length / t.length;
    };
    const row = { epoch: frame.epochs[0], accuracy: right(frame.points), "test accuracy": right(frame.test) };
    for (const [name, [x]] of Object.entries(frame.columns)) row[name] = x;
    const { columns } = this;
    const count = columns.epoch?.length ?? 0;
    const at = columns.epoch?.at(-1) === row.epoch ? count - 1 : count; // a change without a step
    for (const name of ["epoch", "loss", "test loss", "accuracy", "test accuracy"]) {
      if (row[name] === undefined && !columns[name]) continue;
      columns[name] ??= Array(count).fill(NaN);
      columns[name][at] = row[name] ?? NaN;
      if (columns[name].length > MOST_ROWS) columns[name] = columns[name].filter((_, i, all) => i % 2 === 0 || i === all.length - 1);
    }
  }
}
