// The lab's other experiments as they are on the command line: choose one, look, save, copy the command.

import { copy, download, find, make } from "./draw.js";
import { exhibit } from "./exhibit.js";
import { classes, simple } from "./state.js";

/** Each experiment: its name, what it shows, its request, and what a click on one of its pictures does. */
const VIEWS = {
  traverse: {
    name: "One dimension",
    hint: "One number of the latent goes from low to high; a row for the picture and for each pin.",
    choices: (app) => [dimensionChoice(app)],
    request: (app) => ({
      kind: "traverse", dimension: dimensionOf(app), points: points(app).slice(0, 6).map((each) => simple(each)), std: 1, classes: classes(app.store.now),
    }), // prettier-ignore
    pick: (app, row, column, part) => {
      const point = points(app)[row];
      app.store.change({ ...taken(app, point), set: { [dimensionOf(app)]: Number(part.over[column]) } });
    },
  },
  truncation: {
    name: "Truncation",
    hint: "The same seeds from typical to daring.",
    request: (app) => ({ kind: "truncation", seed: app.store.now.wall, mean: app.store.now.mean, classes: classes(app.store.now) }),
    pick: (app, row, column) => {
      const stds = [0.2, 0.4, 0.6, 0.8, 1.0, 1.2];
      app.store.change({ point: app.store.now.wall + column, label: "", std: stds[row], set: {}, along: {} });
    },
  },
  average: {
    name: "Averages",
    hint: "The average picture of each mean.",
    request: (app) => ({ kind: "average", n: 16, std: app.store.now.std, classes: classes(app.store.now) }),
    pick: (app, row, column, part) => app.store.change({ mean: Number(part.over[column].split("mean ")[1]) }),
  },
  walk: {
    name: "Walk",
    hint: "A way through the pins, or through four samples where there are fewer than two.",
    choices: () => [
      choice("way", "Way", ["slerp", "lerp"], ["on the sphere", "straight"]),
      choice("format", "Saved as", ["webp", "gif", "mp4"], ["WebP", "GIF", "MP4"]),
    ],
    request: (app) => ({
      kind: "walk", points: stops(app), way: chosen("way", "slerp"), frames: 16,
      mean: app.store.now.mean, std: app.store.now.std, classes: classes(app.store.now),
    }), // prettier-ignore
    saves: () => chosen("format", "webp"),
  },
  distribution: {
    name: "Map",
    hint: "Where samples of several means fall, and what they look like there.",
    request: (app) => ({ kind: "distribution", n: 40, seed: app.store.now.wall, classes: classes(app.store.now) }),
  },
  neighbours: {
    name: "Nearest real",
    hint: "The real pictures nearest to this one: is it learnt by heart?",
    request: (app) => ({ kind: "neighbours", points: [simple(point(app))], k: 6, classes: classes(app.store.now) }),
  },
  "real-vs-fake": {
    name: "Real and generated",
    hint: "Real pictures above generated ones.",
    request: (app) => ({
      kind: "real-vs-fake", mean: app.store.now.mean, std: app.store.now.std, seed: app.store.now.wall,
      classes: classes(app.store.now),
    }), // prettier-ignore
  },
};

function point(app) {
  return app.pins.current().point;
}

function points(app) {
  return [point(app), ...app.pins.all.map((pin) => pin.point)];
}

function stops(app) {
  const pins = app.pins.all.slice(-8).map((pin) => pin.point);
  const { mean, std } = app.store.now;
  return pins.length > 1 ? pins.map((each) => simple(each, mean, std)) : [0, 1, 2, 3].map((k) => app.store.now.wall + k);
}

/** A point as the state has it: a seed at its mean and spread, or a latent. */
function taken(app, point) {
  if (point.seeds?.length === 1) return { point: point.seeds[0], mean: point.mean ?? 0, std: point.std ?? 1, label: "", along: {} };
  return { point, label: "", along: {} };
}

function choice(id, name, values, words = values) {
  const select = make("select", { id: `view-${id}` }, ...values.map((value, place) => make("option", { value }, words[place])));
  return make("label", {}, `${name} `, select);
}

function chosen(id, usual) {
  return find(`view-${id}`)?.value ?? usual;
}

function dimensionChoice(app) {
  const run = app.hello.runs[app.store.now.models[0].run];
  const ranked = app.ranking?.rows?.map(({ number }) => number).filter((number) => number !== null && number < run.noise);
  const codes = [...Array(run.continuous).keys()].map((k) => `code${k + 1}`);
  const all = [...(run.categories ? ["category"] : []), ...codes, ...(ranked ?? Array(run.noise).keys())];
  return choice("dimension", "Dimension", all.map(String));
}

function dimensionOf(app) {
  const value = chosen("dimension", "0");
  return /^\d+$/.test(value) ? Number(value) : value;
}

export class Views {
  constructor(app, place) {
    this.app = app;
    this.buttons = Object.entries(VIEWS).map(([key, view]) => {
      return make("button", { role: "radio", "aria-checked": "false", "data-view": key, onclick: () => this.choose(key) }, view.name);
    });
    this.hint = make("p", { class: "hint" });
    this.options = make("div", { class: "actions" });
    this.shown = make("div", { class: "shown", id: "view" });
    this.command = make("code", { id: "view-command" });
    this.status = make("p", { class: "hint", role: "status" });
    this.save = make("button", { id: "view-save", onclick: () => this.download() }, "Save");
    place.append(
      make("div", { class: "chips", role: "radiogroup", "aria-label": "Experiment" }, ...this.buttons),
      this.hint,
      this.options,
      this.status,
      this.shown,
      make("div", { class: "command" }, this.command, make("button", { class: "plain", onclick: (event) => copy(this.command.textContent, event.target) }, "Copy")),
      make("div", { class: "actions" }, this.save),
    );
    app.wire.answer("view", (reply) => this.draw(reply));
    app.store.addEventListener("change", ({ detail }) => detail.passing || this.update());
  }

  choose(key) {
    this.key = key;
    const view = VIEWS[key];
    this.buttons.forEach((button) => button.setAttribute("aria-checked", button.dataset.view === key));
    this.hint.textContent = view.hint;
    this.options.replaceChildren(...(view.choices?.(this.app) ?? []));
    for (const select of this.options.querySelectorAll("select")) select.addEventListener("change", () => this.update(true));
    this.shown.replaceChildren();
    this.update(true);
  }

  open() {
    if (!this.key) this.choose("traverse");
    else this.update();
  }

  get models() {
    return this.key === "neighbours" ? [this.app.store.now.models[0]] : this.app.store.now.models;
  }

  /** Ask again where the request has become another. */
  update(force = false) {
    if (!this.key || this.app.store.now.tab !== "views" || !this.app.z?.length) return;
    const request = VIEWS[this.key].request(this.app);
    const text = JSON.stringify([request, this.models]);
    if (text === this.asked && !force) return;
    this.asked = text;
    this.request = request;
    this.shown.setAttribute("aria-busy", "true");
    this.status.textContent = ["neighbours", "real-vs-fake"].includes(this.key) ? "Looking through the data…" : "";
    this.newest = this.app.wire.show("view", { request, models: this.models });
    this.tell(request);
  }

  async tell(request) {
    try {
      const { header } = await this.app.wire.ask("tell", { request, models: this.models });
      if (request === this.request) this.command.textContent = header.command;
    } catch {
      this.command.textContent = "";
    }
  }

  async draw(reply) {
    this.status.textContent = reply.header.error ?? "";
    const { pick } = VIEWS[this.key];
    if (!reply.header.error) await exhibit(this.shown, reply, pick ? (...where) => pick(this.app, ...where) : null);
    if (reply.header.id === this.newest) this.shown.setAttribute("aria-busy", "false");
  }

  async download() {
    const kind = VIEWS[this.key].saves?.() ?? "png";
    this.status.textContent = "Saving…";
    try {
      const { header, blobs } = await this.app.wire.ask("save", { request: this.request, models: this.models, kind });
      download(blobs[0], `${this.key}.${header.type}`, header.type === "mp4" ? "video/mp4" : `image/${header.type}`);
      this.status.textContent = "";
    } catch (error) {
      this.status.textContent = error.message;
    }
  }
}

