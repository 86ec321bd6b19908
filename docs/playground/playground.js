// The playground: an editor and what its program gives, a network to train, and Python in a worker behind both.

import { PARTS, EXAMPLES } from "parts";
import * as address from "./page/address.js";
import { Editor } from "./page/editor.js";
import { Lab } from "./page/lab.js";
import { Python, Stopped } from "./page/python.js";
import { Results } from "./page/results.js";
import { Tabs } from "./page/tabs.js";

const part = (id) => document.getElementById(id);
const here = (path) => new URL(path, document.baseURI).href;
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
const whole = Object.values(PARTS.sizes).reduce((sum, bytes) => sum + bytes, 0);

function notice(words) {
  part("notice").textContent = words;
  part("notice").hidden = !words;
}

// ------------------------------------------------------------------- loading

function progress({ bytes, step }) {
  if (step) part("loading-words").textContent = `${step} …`;
  if (!bytes) return;
  const loaded = Object.values(bytes).reduce((sum, one) => sum + one, 0);
  part("loading-bar").value = loaded / whole;
  const words = loaded < whole ? `Loading Python: ${megabytes(loaded)} of ${megabytes(whole)} MB` : "Starting Python";
  part("loading-words").textContent = `${words} …`;
}

const python = new Python(
  { runtime: here(PARTS.runtime), archive: here(PARTS.archive), worker: here(PARTS.worker), sizes: PARTS.sizes },
  { progress, print: (text) => results.print(text) },
);

async function begin() {
  part("loading").hidden = false;
  part("again").hidden = true;
  part("loading").classList.remove("failed");
  try {
    await python.start();
    part("loading").hidden = true;
    part("run").disabled = false;
    document.body.dataset.ready = "true";
    return true;
  } catch (error) {
    if (error instanceof Stopped) return false;
    part("loading").classList.add("failed");
    part("loading-words").textContent =
      `${error.message}. Is the network there? Try again; if it stays so, the folder of this page is not complete: build it anew with make playground.`;
    part("again").hidden = false;
    return false;
  }
}

// ------------------------------------------------------------------- programs

const editor = new Editor(part("editor"), { run: () => run(), changed: () => changed() });
const results = new Results({ fetchPage, goTo: (line) => editor.goTo(line) });
let [running, making] = [false, 0]; // making: how many pages of a result

function setRunning(now, words = "") {
  running = now;
  part("run").disabled = now;
  part("stop").disabled = !now && !making;
  part("running").textContent = words;
}

// Python in a browser has a small stack, and needs it too to free what hangs on one another.
const reasonOf = ({ message }) =>
  /call stack/i.test(message)
    ? "its stack was too small. A recursion was too deep, or lists were thousands deep in each other."
    : message;

// A picture may take long, too, and can be stopped.
async function fetchPage(name) {
  making += 1;
  part("stop").disabled = false;
  try {
    return await python.ask("page", { name });
  } catch (error) {
    if (!error.fatal) throw error;
    restart("Python itself stopped, and was started again.");
    throw new Error(`Python itself stopped: ${reasonOf(error)}`);
  } finally {
    making -= 1;
    if (!making && !running) part("stop").disabled = true;
  }
}

// Free what the last program made. Where that breaks Python, the next program is not to blame: it gets another Python.
async function freed() {
  try {
    await python.ask("forget");
    return true;
  } catch (error) {
    if (!error.fatal) throw error;
    const started = await restart("Python was started again, to free what the last program made.");
    if (started) setRunning(true, "Running …");
    return started;
  }
}

async function run() {
  if (running || part("run").disabled) return;
  notice("");
  lab.pause();
  editor.mark(null);
  results.clear();
  setRunning(true, "Running …");
  try {
    if (!(await freed())) return;
    const end = await python.ask("run", { source: editor.text });
    editor.mark(end.error?.line ?? null);
    results.show(end);
    setRunning(false, end.error ? "It stopped with an error." : "Done.");
  } catch (error) {
    if (error instanceof Stopped) return; // stop() says so
    results.show({ error: { text: `Python itself stopped: ${reasonOf(error)}`, line: null }, pages: [] });
    await restart("Python itself stopped, and was started again.");
  }
}

async function restart(words) {
  setRunning(true, `${words} A moment …`);
  part("stop").disabled = true;
  lab.forget();
  const started = await begin();
  setRunning(false, started ? words : "");
  part("run").disabled = !started;
  return started;
}

part("run").addEventListener("click", run);
part("stop").addEventListener("click", () => restart("Stopped; Python was started again."));
part("again").addEventListener("click", async () => (await begin()) && views.name === "training" && lab.open());

// ------------------------------------------------------------ examples, address

for (const { title, name } of EXAMPLES) part("examples").append(new Option(title, name));
part("examples").addEventListener("change", () => {
  const example = EXAMPLES.find(({ name }) => name === part("examples").value);
  if (!example) return;
  editor.text = example.text;
  if (running) part("running").textContent = "A program runs; this one waits for Run.";
  else run();
});

const isExample = (text) => EXAMPLES.find((one) => one.text === text);
const lab = new Lab(python, { changed: () => changed(), notice });
const views = new Tabs(part("views"), (name) => {
  if (name === "training") lab.open();
  else lab.pause();
  changed();
});

// What is in the address: no more than what is not as it was at first.
function stateNow() {
  const state = { view: views.name };
  if (editor.text !== EXAMPLES[0].text) state.program = editor.text;
  if (lab.isChanged()) state.training = lab.settings;
  return state;
}

let [settled, waiting, written] = [false, 0, ""];
function changed() {
  if (!settled) return;
  part("examples").value = isExample(editor.text)?.name ?? "";
  clearTimeout(waiting);
  waiting = setTimeout(keep, 400);
}

async function keep() {
  written = `#${await address.write(stateNow())}`;
  history.replaceState(null, "", written);
}

async function restore() {
  let state = null;
  try {
    state = await address.read(location.hash);
    if (state) lab.settings = { ...lab.settings, ...lab.checked(state.training ?? {}) };
  } catch (error) {
    notice(error.message);
  }
  const program = typeof state?.program === "string" ? state.program : EXAMPLES[0].text;
  editor.text = program;
  part("examples").value = isExample(program)?.name ?? "";
  lab.fill();
  views.choose(state?.view === "training" ? "training" : "program");
  return program;
}

part("copy").addEventListener("click", async () => {
  await keep();
  const done = await navigator.clipboard?.writeText(location.href).then(() => true, () => false);
  notice(done ? "The link is in the clipboard: who opens it sees this program and these settings." : `Copy the address of this page: ${location.href}`);
});
window.addEventListener("hashchange", () => location.hash !== written && location.reload());

async function main() {
  const started = begin();
  const program = await restore();
  settled = true;
  if (!(await started) || views.name === "training") return;
  const told = part("notice").textContent; // of the address
  if (isExample(program)) {
    await run();
    notice(told);
  } else notice("This program came with the address. Read it, then press Run.");
}

if (location.protocol !== "file:") main();
