// Pinned latents, for later use, for mixtures and for walks. They are stored in this browser.

import { decode, find, make, put, thumb } from "./draw.js";
import { changed, nameOf, space } from "./state.js";

const MAX_PINS = 24;

export class Pins {
  constructor(app) {
    this.app = app;
    this.place = find("pins");
    this.key = `pins ${app.hello.runs[0].path} ${app.hello.runs[0].noise}`;
    try {
      this.all = JSON.parse(localStorage.getItem(this.key)) ?? [];
    } catch {
      this.all = [];
    }
    app.wire.answer("pins", (reply) => this.fill(reply));
    app.store.addEventListener("change", () => {
      const model = JSON.stringify(app.store.now.models[0]);
      if (model !== this.model) this.ask();
      this.model = model;
    });
    this.draw();
  }

  /** Return the latent that is shown as a point that later changes do not affect. */
  current() {
    const { store, z } = this.app;
    const { point, label, mean, std } = store.now;
    if (!changed(store.now) && store.now.class === null) {
      if (typeof point === "number") return { point: { seeds: [point], mean, std }, label: `seed ${point}` };
      return { point, label: nameOf(point, label) };
    }
    return { point: { vector: z }, label: `${nameOf(point, label)}, changed` };
  }

  add(pin = this.current()) {
    this.all = [...this.all, pin].slice(-MAX_PINS);
    this.changed();
  }

  remove(place) {
    this.all = this.all.toSpliced(place, 1);
    this.changed();
  }

  changed() {
    localStorage.setItem(this.key, JSON.stringify(this.all));
    this.draw();
  }

  draw() {
    document.body.classList.toggle("pinned", this.all.length > 0);
    if (!this.all.length) {
      this.place.replaceChildren(make("p", { class: "hint" }, "Pin a picture to keep it for mixtures and walks."));
      return;
    }
    const buttons = this.all.map((pin, place) => {
      const button = thumb(pin.label, pin, () => this.app.pick(pin));
      const away = make("button", { class: "plain away", "aria-label": `Unpin ${pin.label}`, title: "Unpin", onclick: () => this.remove(place) }, "×");
      return { button, element: make("span", { class: "pin" }, button, away) };
    });
    this.place.replaceChildren(...buttons.map(({ element }) => element));
    this.buttons = buttons;
    this.ask();
  }

  /** Request the pictures of all pins at once. */
  ask() {
    if (!this.all.length) return;
    const [model] = this.app.store.now.models;
    this.app.wire.show("pins", { request: { kind: "picture", points: this.all.map((pin) => pin.point), ...space(this.app.store.now) }, models: [model] });
  }

  async fill({ header, blobs }) {
    if (header.error) return;
    const [part] = header.groups[0];
    const bitmap = await decode(blobs[part.blob]);
    this.buttons.forEach(({ button }, index) => index < part.count && put(button.firstChild, bitmap, part, index));
  }
}
