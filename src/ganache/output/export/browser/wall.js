// Many samples to pick one from.

import { element } from "./controls.js";
import { ofSeed } from "./latents.js";
import { paint } from "./paint.js";

export class Wall {
  constructor(place, count, about, engine, pick) {
    Object.assign(this, { place, about, engine });
    this.first = 0;
    this.places = Array.from({ length: count }, (_, i) => {
      const button = element("button", { type: "button" });
      button.append(element("canvas", {}));
      button.addEventListener("click", () => pick(this.first + i));
      place.append(button);
      return button;
    });
  }

  // The seeds from `first`, drawn as the state says; nothing is made again that is there already.
  show(first, { mean, std, category }) {
    const { prior, shape } = this.about;
    const asked = JSON.stringify([first, mean, std, category]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.first = first;
    const latents = this.places.map((_, i) => ofSeed(first + i, mean, std, prior, category));
    this.places.forEach((button, i) => button.setAttribute("aria-label", `Seed ${first + i}`));
    this.places.forEach((button, i) => (button.title = `Seed ${first + i}`));
    this.engine.fill(latents, (i, pixels) => paint(this.places[i].firstChild, pixels, shape));
  }

  // Which of them is the large picture.
  mark(seed) {
    this.places.forEach((button, i) => button.setAttribute("aria-pressed", String(this.first + i === seed)));
  }
}
