// A grid of samples to choose one from.

import { element } from "./controls.js";
import { ofSeed } from "./latents.js";
import { paint } from "./paint.js";

export class Wall {
  constructor(parent, count, about, engine, pick) {
    Object.assign(this, { about, engine });
    this.first = 0;
    this.buttons = Array.from({ length: count }, (_, i) => {
      const button = element("button", { type: "button" });
      button.append(element("canvas", {}));
      button.addEventListener("click", () => pick(this.first + i));
      parent.append(button);
      return button;
    });
  }

  // Show the seeds from `first`, with the state's mean, std and class; does nothing if they are shown already.
  show(first, { mean, std, category }) {
    const { prior, shape } = this.about;
    const key = JSON.stringify([first, mean, std, category]);
    if (key === this.key) return;
    this.key = key;
    this.first = first;
    const latents = this.buttons.map((_, i) => ofSeed(first + i, mean, std, prior, category));
    this.buttons.forEach((button, i) => button.setAttribute("aria-label", `Seed ${first + i}`));
    this.buttons.forEach((button, i) => (button.title = `Seed ${first + i}`));
    this.engine.fill(latents, (i, pixels) => paint(this.buttons[i].firstChild, pixels, shape));
  }

  // Mark the seed of the large picture.
  mark(seed) {
    this.buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(this.first + i === seed)));
  }
}
