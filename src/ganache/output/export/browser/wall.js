// A grid of samples to choose one from.

import { element } from "./controls.js";
import { drawn } from "./latents.js";
import { paint } from "./paint.js";

export const DRAGGED = "application/x-seed"; // the type of a sample that is dragged

export class Wall {
  constructor(parent, count, about, engine, pick) {
    Object.assign(this, { about, engine });
    this.first = 0;
    this.buttons = Array.from({ length: count }, (_, i) => {
      const button = element("button", { type: "button" });
      button.append(element("canvas", {}));
      button.addEventListener("click", () => pick(this.first + i));
      button.draggable = true;
      button.addEventListener("dragstart", (event) => event.dataTransfer.setData(DRAGGED, this.first + i));
      parent.append(button);
      return button;
    });
  }

  // Show the seeds from `first`, with the state's mean, std and class; does nothing if they are shown already.
  show(first, state) {
    const { shape } = this.about;
    const key = JSON.stringify([first, state.mean, state.std, state.cutoff, state.category]);
    if (key === this.key) return;
    this.key = key;
    this.first = first;
    const latents = this.buttons.map((_, i) => drawn(first + i, state, this.about));
    this.buttons.forEach((button, i) => button.setAttribute("aria-label", `Seed ${first + i}`));
    this.buttons.forEach((button, i) => (button.title = `Seed ${first + i}`));
    this.engine.fill(latents, (i, pixels) => paint(this.buttons[i].firstChild, pixels, shape));
  }

  // Mark the seed of the large picture.
  mark(seed) {
    this.buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(this.first + i === seed)));
  }
}
