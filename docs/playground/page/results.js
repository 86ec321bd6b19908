// What a program gave: its pages, each in a frame that is kept apart from this page, and what it printed.

import { Tabs } from "./tabs.js";

const PAGES = ["picture", "explain", "diagnose"];
const WORDS = {
  picture: "No picture: end the program with a Value, draw(…), nn.draw(…) or a list of Values.",
  explain: "Nothing to explain: end the program with a Value that was computed, or with explain(…).",
  diagnose: "Nothing to diagnose: end the program with a Value, or with diagnose(…).",
};
const panel = (name) => document.getElementById(`panel-${name}`);

// A frame with a page in it, as high as the page. It has no access to anything here: scripts of its own are all it may.
function framed(name, html) {
  const frame = document.createElement("iframe");
  frame.title = { picture: "picture", explain: "chain rule", diagnose: "diagnosis" }[name];
  frame.setAttribute("sandbox", "allow-scripts");
  frame.src = "frame.html";
  frame.addEventListener("load", () => frame.contentWindow.postMessage(html, "*"), { once: true });
  const grow = ({ source, data }) => {
    if (!frame.isConnected) window.removeEventListener("message", grow);
    else if (source === frame.contentWindow && data.height > 0) {
      frame.style.height = `${Math.min(data.height, 6000)}px`;
      frame.dataset.ready = "true";
    }
  };
  window.addEventListener("message", grow);
  return frame;
}

export class Results {
  // `fetchPage(name)` gives a page of the last program, when it is first looked at; `goTo(line)` leads to a line.
  constructor({ fetchPage, goTo }) {
    Object.assign(this, { fetchPage, goTo });
    this.tabs = new Tabs(document.getElementById("result-tabs"), (name) => this.look(name));
    this.output = document.getElementById("output");
    this.clear();
    this.tabs.choose("picture");
  }

  clear() {
    this.run = (this.run ?? 0) + 1;
    this.line = new Text();
    this.output.replaceChildren(this.line);
    document.getElementById("error").hidden = true;
    this.pages = [];
    this.done = false;
    this.shown = new Set();
    for (const name of PAGES) panel(name).replaceChildren();
  }

  // What is printed goes on in the unfinished line; after \r it is written over, as progress bars do.
  print(text) {
    const lines = (this.line.data + text).split("\n").map((line) => line.slice(line.trimEnd().lastIndexOf("\r") + 1));
    const last = lines.pop();
    if (lines.length) this.line.before(`${lines.join("\n")}\n`);
    this.line.data = last;
    document.getElementById("no-output").hidden = true;
  }

  // Show how a program ended.
  show({ error, pages }) {
    Object.assign(this, { pages, done: true });
    document.getElementById("no-output").hidden = this.output.textContent !== "";
    if (error) this.tell(error);
    const name = error ? "output" : pages.includes(this.tabs.name) ? this.tabs.name : (pages[0] ?? "output");
    this.tabs.choose(name);
  }

  tell({ text, line }) {
    document.getElementById("error").hidden = false;
    document.getElementById("error-text").textContent = text;
    const button = document.getElementById("error-line");
    button.hidden = !line;
    button.textContent = `Go to line ${line}`;
    button.onclick = () => this.goTo(line);
  }

  async look(name) {
    if (!PAGES.includes(name) || this.shown.has(name)) return;
    const [place, run] = [panel(name), this.run];
    if (!this.pages.includes(name)) {
      this.say(place, this.done ? WORDS[name] : "");
      return;
    }
    this.shown.add(name);
    this.say(place, "…");
    try {
      const html = await this.fetchPage(name);
      if (run === this.run) place.replaceChildren(framed(name, html));
    } catch (error) {
      if (run === this.run) this.say(place, error.message);
    }
  }

  say(place, words) {
    const line = document.createElement("p");
    line.className = "quiet";
    line.textContent = words;
    place.replaceChildren(line);
  }
}
