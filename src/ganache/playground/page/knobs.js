// The sliders: mean and spread, classes and codes, directions, dimensions. Each changes the state, and all follow it.

import { decode, find, make, put } from "./draw.js";
import { arrowKeys } from "./keys.js";
import { layerRange } from "./layers.js";
import { slider } from "./slider.js";
import { Styles } from "./styles.js";

const SHOWN_FIRST = 14; // dimensions that are shown before "Show all"
const REST = 200; // milliseconds after which the mouse rests
const TRUNCATION = { std: ["Truncation", "How far a picture is from the average one (psi): small gives typical pictures", "std", 0, 1.5, 1, 0] };
const MAX_STEPS = 6; // the reach of a direction's slider, in standard deviations of the latents

export class Knobs {
  constructor(app) {
    this.app = app;
    this.rows = []; // functions that show the state
    this.all = false;
    app.store.addEventListener("change", () => this.follow());
    this.styles = new Styles(app);
    find("knobs").addEventListener("pointerdown", (event) => (this.held = event.target.type === "range"));
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, () => this.release({ held: false }));
    find("knobs").addEventListener("input", (event) => (this.typing = event.target.type === "number"));
    for (const end of ["change", "focusout"]) find("knobs").addEventListener(end, () => this.release({ typing: false }));
    addEventListener("pointerdown", () => this.heat(null), true);
  }

  get run() {
    return this.app.hello.runs[this.app.store.now.models[0].run];
  }

  /** Rebuild all sliders: for another run, or when directions or a ranking arrive. */
  build() {
    if (this.held || this.typing) {
      this.late = true; // a slider that is being dragged must not be replaced, nor a field in which somebody types
      return;
    }
    const focused = document.activeElement?.id;
    this.late = false;
    this.rows = [];
    this.prior();
    this.codes();
    this.styles.build();
    this.directions();
    this.dimensions();
    this.built = JSON.stringify([this.app.store.now.models[0].run, this.run.noise]);
    this.follow();
    if (focused && document.activeElement?.id !== focused) find(focused)?.focus();
  }

  release(end) {
    Object.assign(this, end);
    if (this.late) this.build();
  }

  /** Show on the picture where a dimension acts, once the mouse rests on its map; null ends it. */
  heat(map) {
    clearTimeout(this.resting);
    if (map) this.resting = setTimeout(() => this.app.stage.heat(map), REST);
    else this.app.stage?.heat(null);
  }

  follow() {
    if (!this.app.hello || !this.run?.noise) return;
    if (this.built !== JSON.stringify([this.app.store.now.models[0].run, this.run.noise])) return this.build();
    for (const row of this.rows) row(this.app.store.now);
  }

  add(place, row, value) {
    place.append(row.element);
    this.rows.push((state) => row.update(...value(state)));
  }

  /** Mean and spread of the seeds' latents. */
  prior() {
    const { store } = this.app;
    const place = find("prior");
    const note = make("p", { class: "hint", hidden: true }, "This latent is fixed; mean and spread change only the samples.");
    place.replaceChildren(make("h2", {}, "Sampling"), note);
    for (const [name, title, field, min, max, usual, lowest] of [
      ["Mean", "Mean of the latent's numbers", "mean", -1.5, 1.5, 0, -1000],
      ["Spread", "Spread of the latent's numbers (truncation)", "std", 0, 2, 1, 0],
    ].map((row) => (this.run.styles ? TRUNCATION[row[2]] : row)).filter(Boolean)) {
      const change = (value, passing) => store.change({ [field]: value }, { passing });
      const row = slider({
        name, title, label: title, min, max, lowest, id: `knob-${field}`,
        oninput: (value) => change(value, true), onchange: (value) => change(value, false), onreset: () => change(usual, false),
      }); // prettier-ignore
      this.add(place, row, (state) => [state[field], usual, state[field] !== usual]);
    }
    this.rows.push((state) => (note.hidden = typeof state.point === "number"));
    if (this.run.styles) place.append(this.truncated(this.run.styles), this.noise());
  }

  /** How many layers truncation moves, from the coarsest on. */
  truncated(count) {
    const { store } = this.app;
    const input = make("input", { type: "number", id: "cutoff", min: 1, max: count, step: 1 });
    input.addEventListener("change", () => {
      const layers = Math.min(count, Math.max(1, Math.trunc(Number(input.value)) || count));
      store.change({ cutoff: layers === count ? 0 : layers });
    });
    this.rows.push((state) => document.activeElement !== input && (input.value = state.cutoff || count));
    return make("label", { class: "layers" }, "of the coarsest ", input, ` of ${count} layers`);
  }

  /** The noise that the layers add. */
  noise() {
    const { store } = this.app;
    const words = { fixed: "the same for all", random: "new in each picture", none: "none" };
    const select = make("select", { id: "noise" }, ...Object.entries(words).map(([value, text]) => make("option", { value }, text)));
    select.addEventListener("change", () => store.change({ noise: select.value }));
    this.rows.push((state) => (select.value = state.noise));
    return make("label", { class: "layers" }, "Noise ", select);
  }

  /** Classes as buttons, InfoGAN's codes as sliders. */
  codes() {
    const { store } = this.app;
    const { categories, continuous, noise } = this.run;
    const place = find("codes");
    place.replaceChildren();
    if (categories) {
      const chips = make("div", { class: "chips", role: "radiogroup", "aria-label": "Class" });
      place.append(make("h2", {}, "Class"), chips);
      for (const value of [null, ...Array(categories).keys()]) {
        const chip = make("button", { role: "radio", onclick: () => store.change({ class: value }) }, value === null ? "any" : value);
        chips.append(chip);
        this.rows.push((state) => chip.setAttribute("aria-checked", state.class === value));
      }
      arrowKeys(chips);
    }
    if (continuous) place.append(make("h2", {}, "Codes"));
    for (let number = 1; number <= continuous; number++) {
      this.setter(place, `code${number}`, `code ${number}`, noise + categories + number - 1, [-2, 2]);
    }
  }

  /** Add a slider that sets one number of the latent. */
  setter(place, key, name, index, [min, max], more = {}) {
    const { store } = this.app;
    const put = (value, passing) => store.change({ set: { ...store.now.set, [key]: value } }, { passing });
    const row = slider({
      name, min, max, id: `knob-${key}`,
      oninput: (value) => put(value, true), onchange: (value) => put(value, false),
      onreset: () => {
        const { [key]: gone, ...set } = store.now.set;
        store.change({ set });
      },
      ...more,
    }); // prettier-ignore
    this.add(place, row, (state) => {
      const base = this.app.base?.[index] ?? 0;
      return [state.set[key] ?? base, base, key in state.set];
    });
    return row;
  }

  /** Show the named directions of the run, then those found in the generator. */
  directions() {
    const place = find("directions");
    const { names } = this.run;
    const kept = names.filter(({ latent }) => latent);
    const named = names.filter(({ name, latent }) => !latent || Object.hasOwn(this.app.store.now.along, name));
    place.replaceChildren(...(kept.length ? [make("h2", {}, "Saved latents"), this.keptLatents(kept)] : []), make("h2", {}, "Directions"));
    if (!named.length) place.append(make("p", { class: "hint" }, "Make your own under Teach. These were found in the generator:"));
    for (const { name } of named) this.mover(place, name, name, true);
    const found = this.app.own?.sefa ?? [];
    const pca = this.app.own?.pca ?? [];
    const active = Object.keys(this.app.store.now.along);
    const shown = (name, number) => this.more || number < 4 || active.includes(name);
    found.filter(shown).forEach((name) => this.mover(place, name, name.replace("sefa", "SeFa ")));
    if (this.more || active.some((name) => name.startsWith("pca"))) {
      pca.filter((name, number) => this.more || active.includes(name)).forEach((name) => this.mover(place, name, name.replace("pca", "PCA ")));
    }
    if (!found.length) place.append(make("p", { class: "hint" }, this.app.own ? "None were found." : "Searching…"));
    const more = () => {
      this.more = !this.more;
      if (this.more && !this.app.own?.pca) this.app.findOwn("pca");
      this.build();
    };
    place.append(make("button", { class: "plain wide", id: "more-directions", onclick: more }, this.more ? "Fewer" : "More directions (SeFa, PCA)"));
  }

  /** The latents that the run keeps under names: a click shows one. */
  keptLatents(kept) {
    const chips = kept.map(({ name }) => {
      const chip = make("button", { "aria-pressed": "false", translate: "no", onclick: () => this.app.take(name) }, name);
      this.rows.push((state) => chip.setAttribute("aria-pressed", state.point === name));
      return make("span", { class: "kept" }, chip, make("button", { class: "plain", title: "Delete this name", "aria-label": `Delete ${name}`, onclick: () => this.app.forget(name) }, "×"));
    });
    return make("div", { class: "chips", role: "group", "aria-label": "Saved latents" }, ...chips);
  }

  mover(place, key, name, mine = false) {
    const { store } = this.app;
    const put = (value, passing) => store.change({ along: { ...store.now.along, [key]: value } }, { passing });
    const reach = MAX_STEPS * (this.run.prior === "uniform" ? 0.6 : 1);
    const row = slider({
      name, title: `Direction ${name}`, label: `Direction ${name}`, min: -reach, max: reach, step: 0.05, id: `along-${key}`,
      oninput: (value) => put(value, true), onchange: (value) => put(value, false),
      onreset: () => {
        const { [key]: gone, ...along } = store.now.along;
        const { [key]: free, ...layers } = store.now.layers;
        store.change({ along, layers });
      },
    }); // prettier-ignore
    if (this.run.styles) {
      const whole = [0, this.run.styles - 1];
      const range = layerRange(`direction ${name}`, this.run.styles, (layers) => store.change({ layers: { ...store.now.layers, [key]: layers } }));
      row.element.append(range.element);
      this.rows.push(({ layers }) => range.update(Object.hasOwn(layers, key) ? layers[key] : whole));
    }
    if (mine) {
      const forget = () => this.app.forget(key);
      const take = () => this.app.take(key);
      row.element.querySelector("label").translate = false;
      row.element.append(
        make("span", { class: "mine" },
          make("button", { class: "plain", title: "Show it as a latent", "aria-label": `Show ${name}`, onclick: take }, "show"),
          make("button", { class: "plain", title: "Delete this name", "aria-label": `Delete ${name}`, onclick: forget }, "delete")),
      ); // prettier-ignore
    }
    this.add(place, row, ({ along }) => {
      const moved = Object.hasOwn(along, key); // a name such as "constructor" is in every object
      return [moved ? along[key] : 0, 0, moved];
    });
  }

  /** Grey a slider that one of the shown runs lacks, and say which. */
  lacking(element, name, models, lacks) {
    const those = [...new Set(models.map(({ run }) => this.app.hello.runs[run]).filter((run) => run?.noise && lacks(run)))];
    element.classList.toggle("lacking", those.length > 0);
    element.title = those.length ? `${those.map((run) => run.name).join(", ")} has no ${name}` : "";
  }

  /** Show the dimensions of the noise, the most effective first. */
  dimensions() {
    const { noise, centre, spread, prior, styles } = this.run;
    const place = find("dimensions");
    if (styles) return place.replaceChildren(); // the dimensions of z mean little behind a mapping
    const reach = prior === "uniform" ? 1.5 : 3;
    const range = [centre - reach * spread, centre + reach * spread];
    const ranking = this.app.ranking?.run === this.app.store.now.models[0].run ? this.app.ranking : null;
    const order = ranking?.rows ?? [...Array(noise).keys()].map((number) => ({ number, name: `dimension ${number}` }));
    const told = ranking?.rows
      ? "The most effective first; the map shows where each acts."
      : ranking?.error || `Ranking the dimensions: ${ranking?.done ?? 0} of ${ranking?.total || noise}…`;
    const hint = make("p", { class: "hint", id: "ranked" }, told);
    place.replaceChildren(make("h2", {}, "Dimensions"), hint);
    const numbers = order.map((row, rank) => ({ ...row, rank })).filter(({ number }) => number !== null && number < noise);
    const active = this.app.store.now.set;
    for (const { number, rank, effect } of numbers.filter((row, k) => this.all || k < SHOWN_FIRST || row.number in active)) {
      const map = make("canvas", { class: "map", width: 1, height: 1, "aria-hidden": "true" });
      if (ranking?.bitmap) put(map, ranking.bitmap, ranking.maps, rank);
      const title = effect === undefined ? `Dimension ${number}` : `Dimension ${number}: changes a pixel by ${(100 * effect).toFixed(1)} % on average`;
      const row = this.setter(place, String(number), String(number), number, range, { title, label: title, map });
      map.addEventListener("pointerenter", ({ pointerType }) => pointerType === "mouse" && ranking?.bitmap && this.heat(map));
      map.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && this.heat(null));
      map.addEventListener("click", ({ pointerType }) => {
        if (pointerType !== "touch" || !ranking?.bitmap) return;
        this.heat(map); // until the next touch
        hint.textContent = title;
      });
      this.rows.push(({ models }) => this.lacking(row.element, `dimension ${number}`, models, ({ noise: size }) => number >= size));
    }
    if (numbers.length > SHOWN_FIRST) {
      const toggle = () => {
        this.all = !this.all;
        this.build();
      };
      place.append(make("button", { class: "plain wide", id: "all-dimensions", onclick: toggle }, this.all ? "Show fewer" : `Show all ${numbers.length}`));
    }
  }
}

/** Request the ranking, and rebuild the sliders when it arrives. */
export async function rank(app) {
  const model = app.store.now.models[0];
  if (app.hello.runs[model.run]?.styles) return;
  const key = JSON.stringify(model);
  app.ranked = key;
  const told = (header) => {
    if (app.ranked !== key) return;
    if (app.ranking?.run !== model.run) app.ranking = { ...header, run: model.run }; // else the last one is shown until then
    const hint = find("ranked");
    if (hint) hint.textContent = `Ranking the dimensions: ${header.done} of ${header.total || "all"}…`;
  };
  try {
    const { header, blobs } = await app.wire.ask("rank", { model }, { more: told });
    if (app.ranked !== key) return;
    const bitmap = header.maps ? await decode(blobs[0]) : null;
    app.ranking = { ...header, bitmap, run: model.run };
    app.knobs.build();
  } catch {
    app.ranked = null; // requested again when the connection is back
  }
}

