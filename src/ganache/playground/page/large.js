// The large view: the picture over the whole screen where the browser allows it, with one of the sliders below it.

import { find, make } from "./draw.js";

export function largeView() {
  const { body } = document;
  const remote = new Remote(find("remote"));
  const on = () => body.classList.contains("large");
  const set = (large) => {
    if (large) remote.offer();
    body.classList.toggle("large", large);
    find("large").setAttribute("aria-pressed", large);
    find("large").textContent = large ? "Leave" : "Large view";
    if (large) document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may refuse
    else if (document.fullscreenElement) document.exitFullscreen();
  };
  const toggle = () => set(!on());
  find("large").addEventListener("click", toggle);
  addEventListener("fullscreenchange", () => document.fullscreenElement || !on() || set(false), true);
  return { on, toggle, follow: () => on() && remote.follow() };
}

/** A slider that moves one of the sliders of the page: the one that was moved last, or another that is chosen. */
class Remote {
  constructor(place) {
    this.last = null; // the id of the slider that was moved last: sliders are rebuilt
    this.choice = make("select", { "aria-label": "Slider below the picture", onchange: () => this.turn(this.choice.value) });
    this.input = make("input", { type: "range", oninput: ({ type }) => this.move(type), onchange: ({ type }) => this.move(type) });
    this.told = make("output", {});
    place.append(this.choice, this.input, this.told);
    find("knobs").addEventListener("input", ({ target }) => {
      if (target.type === "range") this.last = target.id;
    });
  }

  /** Offer the sliders that the page has now. */
  offer() {
    const all = [...document.querySelectorAll("#knobs .slider input[type=range]")];
    this.choice.replaceChildren(...all.map(({ id, ariaLabel }) => make("option", { value: id }, ariaLabel.split(/[:：]/)[0])));
    const first = all.find(({ id }) => /^knob-\d/.test(id)) ?? all[0];
    this.turn(all.some(({ id }) => id === this.last) ? this.last : first?.id);
  }

  turn(id) {
    this.last = this.choice.value = id;
    this.follow();
  }

  /** Move the slider of the page. */
  move(type) {
    const moved = find(this.last);
    if (!moved) return;
    moved.value = this.input.value;
    moved.dispatchEvent(new Event(type, { bubbles: true }));
  }

  /** Show the value of the slider of the page. */
  follow() {
    const followed = find(this.last);
    if (!followed) return;
    const { min, max, step, value, ariaLabel } = followed;
    Object.assign(this.input, { min, max, step, value, ariaLabel: `${ariaLabel}, below the picture` });
    this.input.style.setProperty("--at", followed.style.getPropertyValue("--at"));
    this.told.textContent = followed.closest(".slider").querySelector(".value").value;
  }
}
