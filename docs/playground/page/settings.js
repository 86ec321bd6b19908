// The settings of a training, and their fields on the page.

export const DEFAULTS = {
  layers: [4, 4], activation: "tanh", loss: "bce_with_logits", seed: 1, optimizer: "adam", lr: 0.03, decay: 0, batch: 10,
  test: 0.2, preset: "moons", count: 100, noise: 0.1, points: null, // null: those of the preset
};
const MOST_LAYERS = 5;
const MOST_UNITS = 16;
export const MOST_POINTS = 500;
const field = (name) => document.querySelector(`[data-setting="${name}"]`);
const isWhole = (x, low, high) => Number.isInteger(x) && x >= low && x <= high;

export class Settings {
  // `changed(name)` is told which setting the reader changed.
  constructor(changed) {
    this.settings = structuredClone(DEFAULTS);
    this.changed = changed;
    for (const one of document.querySelectorAll("[data-setting]")) {
      one.addEventListener("change", () => {
        const { setting } = one.dataset;
        const value = typeof DEFAULTS[setting] === "number" ? Number(one.value) : one.value;
        if (setting in this.checked({ [setting]: value })) this.settings[setting] = value;
        this.fill();
        changed(setting);
      });
    }
  }

  // Of settings that came from elsewhere those that can be.
  checked(settings) {
    const kept = {};
    for (const [name, value] of Object.entries(settings)) {
      if (!(name in DEFAULTS)) continue;
      if (name === "layers") {
        if (Array.isArray(value) && value.length <= MOST_LAYERS && value.every((n) => isWhole(n, 1, MOST_UNITS))) kept.layers = [...value];
      } else if (name === "points") {
        if (Array.isArray(value) && value.length <= MOST_POINTS && value.every(isPoint)) kept.points = value;
      } else if (name === "preset") {
        if (document.querySelector(`#presets [data-preset="${CSS.escape(String(value))}"]`)) kept.preset = String(value);
      } else if (name === "seed") {
        if (isWhole(value, 0, 9999)) kept.seed = value;
      } else if (typeof value === typeof DEFAULTS[name] && [...field(name).options].some((option) => option.value === String(value))) kept[name] = value;
    }
    return kept;
  }

  fill() {
    for (const one of document.querySelectorAll("[data-setting]")) one.value = String(this.settings[one.dataset.setting]);
    this.fillLayers();
  }

  fillLayers() {
    const place = document.getElementById("layers");
    const focused = document.activeElement?.dataset?.key;
    place.replaceChildren();
    const { layers } = this.settings;
    const line = bar(place, "hidden layers");
    words(line, layers.length === 1 ? "1 hidden layer" : `${layers.length} hidden layers`);
    this.addButton(line, "−", "one layer less", "layers-", layers.length > 0, () => layers.pop());
    this.addButton(line, "+", "one layer more", "layers+", layers.length < MOST_LAYERS, () => layers.push(layers.at(-1) ?? 4));
    layers.forEach((count, k) => {
      const line = bar(place, `layer ${k + 1}`);
      words(line, `layer ${k + 1}: ${count} ${count === 1 ? "neuron" : "neurons"}`);
      this.addButton(line, "−", `one neuron less in layer ${k + 1}`, `${k}-`, count > 1, () => (layers[k] -= 1));
      this.addButton(line, "+", `one neuron more in layer ${k + 1}`, `${k}+`, count < MOST_UNITS, () => (layers[k] += 1));
    });
    if (focused) place.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  addButton(place, text, label, key, enabled, act) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", textContent: text, disabled: !enabled });
    button.setAttribute("aria-label", label);
    button.dataset.key = key;
    button.addEventListener("click", () => {
      act();
      this.fillLayers();
      this.changed("layers");
    });
    place.append(button);
  }
}

const isPoint = (point) =>
  Array.isArray(point) && point.length === 3 && point.slice(0, 2).every((x) => Number.isFinite(x) && Math.abs(x) <= 2) && [0, 1].includes(point[2]);

function bar(place, label) {
  const line = document.createElement("div");
  line.className = "bar";
  line.setAttribute("role", "group");
  line.setAttribute("aria-label", label);
  place.append(line);
  return line;
}

function words(place, text) {
  const span = document.createElement("span");
  span.textContent = text;
  place.append(span);
}
