// Arithmetic with two latents: sum, difference, product, and interpolation.

import { copy, decode, make, put, acceptDrops, thumb } from "./draw.js";
import { classes, simple, space } from "./state.js";

const WAYS = [
  ["Sum", "a + b", (a, b) => `sum of ${a} and ${b}`],
  ["Difference", "|a − b|", (a, b) => `difference of ${a} and ${b}`],
  ["Product", "a × b", (a, b) => `product of ${a} and ${b}`],
  ["Mixture", "from a to b", (a, b) => `mixture of ${a} and ${b}`],
];

export class Mix {
  constructor(app, place) {
    this.app = app;
    this.t = 0.5;
    this.next = 0;
    this.wells = ["a", "b"].map((letter, index) => this.well(letter, index));
    this.results = WAYS.map(([name, formula]) => {
      const button = thumb(name, null, () => app.pick(button.data));
      return { button, element: make("figure", { class: "result" }, button, make("figcaption", {}, make("b", {}, name), ` ${formula}`)) };
    });
    this.shown = make("div", { class: "results" }, ...this.results.map(({ element }) => element));
    this.slider = make("input", { type: "range", id: "mix-t", min: 0, max: 1, step: 0.02, value: 0.5, "aria-label": "Mixture, from a to b" });
    this.slider.addEventListener("input", () => {
      this.t = Number(this.slider.value);
      this.slider.style.setProperty("--at", `${100 * this.t}%`);
      this.update();
    });
    this.command = make("code", { id: "mix-command", tabindex: 0 });
    place.append(
      make("p", { class: "hint" }, "Drag a picture from the pins or from below onto a or b, or select a or b and click a picture. Click a result to use it."),
      make("div", { class: "wells" }, this.wells[0].element, make("span", { class: "plus", "aria-hidden": "true" }, "with"), this.wells[1].element),
      this.shown,
      make("label", { class: "blend" }, make("span", {}, "a"), this.slider, make("span", {}, "b")),
      make("p", { class: "hint" }, "The mixture on the command line; the others are --operation a+b, abs(a-b) and a*b:"),
      make("div", { class: "command" }, this.command, make("button", { class: "plain", onclick: (event) => copy(this.command.textContent, event.target) }, "Copy")),
      make("h2", {}, "Samples"),
    );
    const grid = make("div", { class: "thumbs small" });
    app.wall.into(grid, (seed) => this.put(this.next, app.wall.point(seed)));
    place.append(grid);
  }

  well(letter, index) {
    const canvas = make("canvas", { width: 8, height: 8, "aria-hidden": "true" });
    const name = make("small", {});
    const choose = () => this.choose(index);
    const button = make("button", { class: "thumb well", id: `well-${letter}`, "aria-label": letter, "aria-pressed": "false", onclick: choose }, canvas);
    acceptDrops(button, (data) => this.put(index, data));
    return { canvas, button, name, letter, data: null, element: make("figure", { class: "result" }, button, make("figcaption", {}, make("b", {}, letter), " ", name)) };
  }

  choose(index) {
    this.next = index;
    this.wells.forEach(({ button }, place) => button.setAttribute("aria-pressed", place === index));
  }

  put(index, data) {
    this.wells[index].data = data;
    this.choose(1 - index);
    this.update();
  }

  /** Called when the panel is shown: choose two latents at first. */
  open() {
    const { app } = this;
    if (!this.wells[0].data) {
      this.wells[0].data = app.pins.current();
      const first = JSON.stringify(this.wells[0].data.point);
      const other = app.pins.all.findLast((pin) => JSON.stringify(pin.point) !== first);
      this.wells[1].data = other ?? app.wall.point(app.store.now.wall + 1);
      this.choose(1);
    }
    this.update();
  }

  async update() {
    const [a, b] = this.wells.map(({ data }) => data);
    if (!a || !b) return;
    this.shown.setAttribute("aria-busy", "true");
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    const { app } = this;
    const [model] = app.store.now.models;
    try {
      const { header, blobs } = await app.wire.ask("mix", { a: a.point, b: b.point, t: this.t, model, classes: classes(app.store.now) });
      const bitmap = await decode(blobs[0]);
      this.wells.forEach((well, index) => {
        put(well.canvas, bitmap, header, index);
        well.name.textContent = well.data.label;
        well.button.setAttribute("aria-label", `${well.letter} · ${well.data.label}`);
      });
      this.results.forEach(({ button }, index) => {
        put(button.firstChild, bitmap, header, index + 2);
        const label = WAYS[index][2](a.label, b.label).slice(0, 80);
        button.data = { point: { vector: header.latents[index + 2] }, label };
        button.setAttribute("aria-label", label);
      });
      const points = [a.point, b.point].map((point) => simple(point));
      const request = { kind: "arithmetic", operation: "mix", weight: this.t, points, classes: classes(app.store.now), ...space(app.store.now) };
      const told = await app.wire.ask("tell", { request, models: [model] });
      this.command.textContent = told.header.command;
    } catch (error) {
      app.say(error.message);
    }
    this.busy = false;
    this.shown.setAttribute("aria-busy", Boolean(this.again));
    if (this.again) {
      this.again = false;
      this.update();
    }
  }
}

