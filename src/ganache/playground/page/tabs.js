// The tabs and their panels.

import { find, make } from "./draw.js";

const NAMED = [["knobs", "Sliders"], ["samples", "Samples"], ["mix", "Mix"], ["teach", "Teach"], ["views", "Views"]];
const narrow = matchMedia("(max-width: 1150px)");

export class Tabs {
  /** `opened(key)` is called when a tab is shown. */
  constructor(app, live, opened) {
    this.app = app;
    this.opened = opened;
    this.usual = live ? "training" : narrow.matches ? "knobs" : "samples";
    this.all = [...NAMED, ...(live ? [["training", "Training"]] : [])].map(([key, name]) => {
      const tab = make("button", { role: "tab", id: `tab-${key}`, "aria-controls": `panel-${key}`, onclick: () => this.show(key) }, name);
      const panel = make("div", { role: "tabpanel", id: `panel-${key}`, "aria-labelledby": `tab-${key}`, hidden: true });
      find("tabs").append(tab);
      find("panels").append(panel);
      return { key, tab, panel };
    });
    find("tabs").addEventListener("keydown", (event) => this.move({ ArrowRight: 1, ArrowLeft: -1 }[event.key]));
    narrow.addEventListener("change", () => this.arrange());
    this.arrange();
  }

  panel(key) {
    return this.all.find((each) => each.key === key).panel;
  }

  get visible() {
    return this.all.filter(({ tab }) => tab.offsetParent);
  }

  move(by) {
    if (!by) return;
    const { visible } = this;
    const at = visible.findIndex(({ key }) => key === this.app.store.now.tab);
    const next = visible[(at + by + visible.length) % visible.length];
    this.show(next.key);
    next.tab.focus();
  }

  /** Show a tab. The sliders are a tab only on narrow screens. */
  show(wanted) {
    const key = this.all.some((tab) => tab.key === wanted) ? wanted : "samples";
    if (key === "knobs" && !narrow.matches) return;
    for (const each of this.all) {
      each.tab.setAttribute("aria-selected", each.key === key);
      each.tab.tabIndex = each.key === key ? 0 : -1;
      each.panel.hidden = each.key !== key;
      if (each.key === key) find("tabs").scrollLeft = each.tab.offsetLeft - find("tabs").offsetLeft - 40; // on a phone
    }
    document.body.dataset.tab = key;
    this.app.store.turn(key);
    this.opened(key);
  }

  /** Move the sliders: on a narrow screen they are the first tab, elsewhere a column of their own. */
  arrange() {
    if (narrow.matches) this.panel("knobs").append(find("knobs"));
    else find("bench").before(find("knobs"));
    if (!narrow.matches && this.app.store.now.tab === "knobs") this.show("samples");
  }
}
