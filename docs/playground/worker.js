// Python in a worker: loads it, and calls the functions of playground/calls.py.
//
// The page starts this file out of a blob, for such a worker has the page's Content-Security-Policy: whatever a program
// does here, it can ask nobody but the server that the page itself came from.

import { RULES } from "rules"; // of the table of operations

let calls = null;

async function count(part, answer) {
  let bytes = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.length;
    postMessage({ part, bytes });
  }
}

// Count the bytes of the large parts as they come.
function countedFetch(sizes) {
  const fetchAsEver = self.fetch.bind(self);
  self.fetch = async (resource, options) => {
    const address = new URL(resource.url ?? resource, self.location.href);
    const part = address.pathname.split("/").at(-1);
    let answer;
    try {
      answer = await fetchAsEver(resource, options);
    } catch {
      throw new Error(`${part} could not be loaded: the server does not answer`);
    }
    if (!answer.ok && part in sizes) throw new Error(`${part} could not be loaded: the server says ${answer.status}`);
    if (answer.body && part in sizes) count(part, answer.clone());
    return answer; // as it came: for a copy of it the browser would not keep the code that it compiled
  };
  return fetchAsEver;
}

async function start({ runtime, archive, sizes }) {
  const plain = countedFetch(sizes);
  const waiting = fetch(archive).then((answer) => answer.arrayBuffer());
  waiting.catch(() => {}); // it is awaited below
  const { loadPyodide } = await import(`${runtime}pyodide.mjs`);
  const pyodide = await loadPyodide({ indexURL: runtime, packageBaseUrl: runtime });
  postMessage({ step: "Reading the library" });
  pyodide.unpackArchive(await waiting, "zip", { extractDir: "/lib/chalkgrad" });
  pyodide.runPython("import sys; sys.path.insert(0, '/lib/chalkgrad')");
  calls = pyodide.pyimport("playground.calls");
  self.fetch = plain;
}

// What runs the kernels that train a network: a memory, and modules over it. See playground/stepper.py.
function machine(pages) {
  const memory = new WebAssembly.Memory({ initial: pages });
  const numbers = new Float64Array(memory.buffer);
  return {
    start(bytes, names) {
      const rules = Object.fromEntries(names.map((name) => [name, RULES[name]]));
      return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory }, rules }).exports.run;
    },
    write: (address, values) => numbers.set(values, address / 8),
    read: (address, count) => Array.from(numbers.subarray(address / 8, address / 8 + count)),
  };
}

const print = (text) => postMessage({ text });

const operations = {
  start,
  run: ({ source }) => JSON.parse(calls.run(source, print)),
  forget: () => calls.forget(),
  page: ({ name }) => calls.page(name),
  points: ({ name, count, noise }) => JSON.parse(calls.points(name, count, noise)),
  begin: ({ settings }) => calls.begin(JSON.stringify(settings), machine),
  change: ({ settings }) => calls.change(JSON.stringify(settings)),
  advance: ({ seconds, most }) => calls.advance(seconds, most),
};

// The last line of Python's traceback says what was wrong; the lines above it are of the page's own code.
const shortened = (error) => {
  const lines = String(error.message ?? error).trim().split("\n");
  return error.name === "PythonError" ? lines.at(-1).replace(/^(ValueError|RuntimeError): /, "") : lines.join("\n");
};

self.onmessage = async ({ data: { id, operation, ...data } }) => {
  try {
    postMessage({ id, result: await operations[operation](data) });
  } catch (error) {
    const fatal = error.name !== "PythonError" && operation !== "start"; // Python itself broke, as by too deep a recursion
    postMessage({ id, error: shortened(error), fatal });
  }
};
postMessage({ listening: true });
