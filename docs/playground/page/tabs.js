// Tabs: buttons of which one is chosen, by the mouse or by the arrow keys, each with a panel.

export class Tabs {
  constructor(list, chosen) {
    this.tabs = [...list.querySelectorAll("[role='tab']")];
    this.chosen = chosen;
    for (const tab of this.tabs) tab.addEventListener("click", () => this.choose(tab.dataset.name));
    list.addEventListener("keydown", (event) => {
      const shown = this.tabs.filter((tab) => !tab.hidden && !tab.disabled);
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = shown[(shown.indexOf(document.activeElement) + step + shown.length) % shown.length];
      this.choose(next.dataset.name);
      next.focus();
      event.preventDefault();
    });
  }

  choose(name) {
    this.name = name;
    for (const tab of this.tabs) {
      const selected = tab.dataset.name === name;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
    }
    this.chosen(name);
  }
}
