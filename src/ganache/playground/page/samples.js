// A grid of samples to choose from, and the same grid for teaching a direction from marked samples.

import { decode, find, make, put, thumb } from "./draw.js";
import { changed, classes, hyphened, request, space } from "./state.js";

const COUNT = 24;
const PAUSE = 150; // milliseconds

/** The pictures of the samples, which follow mean, spread, class and model. */
export class Wall {
  constructor(app) {
    this.app = app;
    this.thumbs = [];
    this.together = false; // whether the samples follow the sliders
    app.wire.answer("wall", (reply) => this.draw(reply));
    app.store.addEventListener("change", ({ detail }) => (detail.passing ? this.wait() : this.update()));
  }

  /** While a slider moves, leave the processor to the large picture: update at a pause, or regularly if asked to follow. */
  wait() {
    if (this.following && this.pausing) return;
    clearTimeout(this.pausing);
    this.pausing = setTimeout(() => {
      this.pausing = null;
      this.update();
    }, PAUSE);
  }

  /** Return the request for all samples. */
  get request() {
    const { now } = this.app.store;
    if (this.following) return request(now, Array.from({ length: COUNT }, (_, place) => now.wall + place));
    return { kind: "sample", n: COUNT, mean: now.mean, std: now.std, seed: now.wall, classes: classes(now), ...space(now) };
  }

  /** Whether the samples have the changes of the sliders now; those to teach and mix from never have. */
  get following() {
    const { now } = this.app.store;
    return this.together && changed(now) && ["samples", "knobs"].includes(now.tab);
  }

  update(force = false) {
    const [model] = this.app.store.now.models;
    const key = JSON.stringify([this.request, model]);
    if (key === this.key && !force) return;
    this.key = key;
    this.app.wire.show("wall", { request: this.request, models: [model] });
  }

  async draw({ header, blobs }) {
    if (header.error) return;
    const [part] = header.groups[0];
    this.bitmap = await decode(blobs[part.blob]);
    this.part = part;
    this.fill();
  }

  /** Draw every thumbnail of a sample. */
  fill() {
    if (!this.bitmap) return;
    const { wall } = this.app.store.now;
    for (const [index, button] of this.thumbs) {
      put(button.firstChild, this.bitmap, this.part, index);
      button.data = this.point(wall + index);
      button.setAttribute("aria-label", `Sample of seed ${wall + index}`);
      button.title = `seed ${wall + index}`;
      button.mark?.();
    }
  }

  /** Return a sample's latent with the current mean and spread, which later changes do not affect. */
  point(seed) {
    const { mean, std } = this.app.store.now;
    return { point: { seeds: [seed], mean, std }, label: `seed ${seed}` };
  }

  /** Add COUNT thumbnails to `place`; `pick(seed, button)` is called when one is clicked. */
  into(place, pick) {
    for (let index = 0; index < COUNT; index++) {
      const button = thumb("A sample", null, () => pick(this.app.store.now.wall + index, button));
      this.thumbs.push([index, button]);
      place.append(button);
    }
  }

  turn(by) {
    this.app.store.change({ wall: Math.max(0, this.app.store.now.wall + by * COUNT) });
  }

  /** Make buttons for previous and next samples. */
  pager() {
    const back = make("button", { onclick: () => this.turn(-1), "aria-label": "Previous samples" }, "‹");
    const follow = () => (back.disabled = !this.app.store.now.wall);
    this.app.store.addEventListener("change", follow);
    follow();
    return make("div", { class: "actions" },
      back,
      make("button", { onclick: () => this.turn(1) }, "More samples"),
    ); // prettier-ignore
  }
}

export function samplesPanel(app, place) {
  const grid = make("div", { class: "thumbs", id: "wall" });
  const changes = () => {
    const { set, along, layers, mix } = app.store.now;
    return app.wall.following ? { set, along, layers, mix } : {};
  };
  app.wall.into(grid, (seed) => app.take(seed, "", changes()));
  const together = make("input", { type: "checkbox", id: "together" });
  together.addEventListener("change", () => {
    app.wall.together = together.checked;
    app.wall.update();
  });
  place.append(
    make("p", { class: "whose hint", hidden: true }),
    make("p", { class: "hint" }, "Click a sample to use it. The sliders under Sampling change all of them."),
    make("label", { class: "check" }, together, "All sliders change these samples too"),
    grid,
    app.wall.pager(),
  );
}

/** Mark samples with and without a feature, and save the direction between them under a name. */
export function teachPanel(app, place) {
  const marks = new Map(); // key -> {point, having}
  const grid = make("div", { class: "thumbs" });
  const told = make("p", { class: "hint", role: "status" });
  const name = make("input", { id: "teach-name", placeholder: "smile", maxlength: "64", autocomplete: "off", "aria-label": "Name of the direction" });
  const keep = make("button", { class: "main", id: "teach-keep", onclick: () => learn() }, "Make the direction");
  const clear = make("button", { onclick: () => forget() }, "Clear marks");

  const key = (button) => JSON.stringify(button.data?.point);
  const draw = (button) => {
    const mark = marks.get(key(button));
    button.classList.toggle("with", mark?.having === true);
    button.classList.toggle("without", mark?.having === false);
    const { title } = button;
    button.setAttribute("aria-label", mark ? (mark.having ? `${title}, marked: with` : `${title}, marked: without`) : title);
  };
  const tell = () => {
    const having = [...marks.values()].filter((mark) => mark.having).length;
    const lacking = marks.size - having;
    const lacks = having && lacking ? (name.value.trim() ? "" : " Now give it a name.") : " Mark at least one of each.";
    told.replaceChildren(`${having} with it, ${lacking} without; about five of each are enough.`, lacks);
    keep.disabled = Boolean(lacks);
  };
  const refresh = () => {
    for (const button of grid.children) draw(button);
    tell();
  };
  const forget = () => {
    marks.clear();
    refresh();
  };
  const learn = async () => {
    const points = (having) => [...marks.values()].filter((mark) => mark.having === having).map((mark) => mark.point);
    const [model] = app.store.now.models;
    keep.disabled = true;
    told.textContent = "Finding the direction, and checking it on other samples…";
    try {
      const { header } = await app.wire.ask("learn", { model, name: hyphened(name.value), having: points(true), lacking: points(false) });
      app.hello.runs[model.run].names = header.names;
      app.knobs.build();
      app.stage.update(); // the picture may already use this name
      app.say([`“${header.kept}” is saved in the run: move its slider under Directions.`, ` ${header.check}`], true, Boolean(header.check));
      app.tabs.show("knobs");
      find(`along-${header.kept}`)?.focus();
    } catch (error) {
      app.say(error.message);
    }
    tell();
  };

  app.wall.into(grid, (seed, button) => {
    const now = marks.get(key(button));
    if (!now) marks.set(key(button), { point: button.data.point, having: true });
    else if (now.having) marks.set(key(button), { ...now, having: false });
    else marks.delete(key(button));
    draw(button);
    tell();
  });
  for (const button of grid.children) button.mark = () => draw(button);
  name.addEventListener("input", tell);
  name.addEventListener("keydown", (event) => event.key === "Enter" && keep.click());
  place.append(
    make("p", { class: "hint" }, "Click a sample once if it has the feature, twice if it does not, and skip unclear ones. Vary each side in everything else, because whatever a side has in common is learned too."),
    grid,
    app.wall.pager(),
    told,
    make("div", { class: "actions" }, make("label", {}, "Name ", name), keep, clear),
  );
  tell();
}
