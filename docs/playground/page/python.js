// Python in a worker, as the page sees it: asked for things, stopped, started again.

export class Stopped extends Error {}

export class Python {
  // `progress` is told how far the start is, `print` what a program prints.
  constructor({ runtime, archive, worker, sizes }, { progress, print }) {
    Object.assign(this, { parts: { runtime, archive, sizes }, address: worker, progress, print });
    this.waiting = new Map();
    this.count = 0;
  }

  // Start, or start again; what was asked before is not answered any more. The promise is kept once Python can be asked.
  start() {
    this.worker?.terminate();
    for (const { reject } of this.waiting.values()) reject(new Stopped("Python was stopped"));
    this.waiting.clear();
    this.ready = this.load();
    return this.ready;
  }

  async load() {
    const source = URL.createObjectURL(new Blob([`import ${JSON.stringify(this.address)};`], { type: "text/javascript" }));
    const worker = new Worker(source, { type: "module" });
    this.worker = worker;
    const bytes = {};
    await new Promise((resolve, reject) => {
      worker.onerror = () => reject(new Error("worker.js could not be loaded"));
      worker.onmessage = ({ data }) => {
        if (data.listening) resolve();
        else if (data.part) this.progress({ bytes: Object.assign(bytes, { [data.part]: data.bytes }) });
        else if (data.step) this.progress({ step: data.step });
        else if ("text" in data) this.print(data.text);
        else this.answer(data);
      };
    });
    URL.revokeObjectURL(source);
    worker.onerror = (event) => this.broken(event.message);
    return this.send("start", this.parts);
  }

  answer({ id, result, error, fatal }) {
    const { resolve, reject } = this.waiting.get(id) ?? {};
    this.waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(Object.assign(new Error(error), { fatal }));
  }

  broken(message) {
    for (const { reject } of this.waiting.values()) reject(Object.assign(new Error(message), { fatal: true }));
    this.waiting.clear();
  }

  send(operation, data) {
    const id = (this.count += 1);
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ ...data, id, operation });
    });
  }

  // The answer of a function of worker.js.
  async ask(operation, data = {}) {
    await this.ready;
    return this.send(operation, data);
  }
}
