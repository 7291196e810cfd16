// The experiments of the lab: choose one, see its figure, save it, copy its command.
//
// The server lists the experiments (`hello.experiments`); any of them is shown by the code below. EXTRAS adds controls,
// another request, or what a click on an image does, to some of them.

import { copy, download, find, make } from "./draw.js";
import { showFigure } from "./figure.js";
import { arrowKeys } from "./keys.js";
import { bandLayers } from "./layers.js";
import { classes, simple, space, styleLayers, UNCHANGED } from "./state.js";

/** Additions to experiments: `choices(app)`: controls; `request(app)`: fields; `pick(app, row, column, part)`: on a click. */
const EXTRAS = {
  traverse: {
    choices: (app) => [dimensionChoice(app), choice("range", "Range", ["sliders", ""], [`that of the sliders, −${reach(app)} to ${reach(app)}`, "the article's eight values"])],
    request: (app) => ({
      dimension: dimensionOf(app),
      points: points(app).slice(0, 6).map((each) => simple(each)),
      reach: chosen("range", "sliders") ? reach(app) : null,
      ...(dimensionOf(app) === "category" ? { classes: [] } : {}), // all of them, whichever is chosen
    }),
    pick: (app, row, column, part) => {
      const [dimension, value] = [dimensionOf(app), Number(part.column_labels[column])];
      const change = dimension === "category" ? { class: value } : { set: { [dimension]: value } };
      app.store.change({ ...chosenPoint(points(app)[row]), ...change });
    },
  },
  truncation: {
    pick: (app, row, column, part) => {
      const std = Number(part.row_labels[row].split(" ").at(-1));
      app.store.change({ point: app.store.now.wall + column, label: "", std, ...UNCHANGED });
    },
  },
  average: {
    pick: (app, row, column, part) => app.store.change({ mean: Number(part.column_labels[column].split("mean ")[1]) }),
  },
  mixing: {
    request: (app) => ({ rows: mixedRows(app), columns: Array.from({ length: 6 }, (_, k) => app.store.now.wall + k), layers: bandLayers("fine", styleLayers(app.store.now)) }),
    pick: (app, row, column) => {
      if (!row || !column) return;
      const seed = app.store.now.wall + column - 1;
      const fine = { point: seed, label: `seed ${seed}`, layers: bandLayers("fine", styleLayers(app.store.now)) };
      app.store.change({ ...chosenPoint(mixedRows(app)[row - 1]), mix: { fine } });
    },
  },
  walk: {
    choices: () => [choice("way", "Path", ["slerp", "lerp"], ["on the sphere", "straight"])],
    request: (app) => ({ points: waypoints(app), way: chosen("way", "slerp") }),
  },
};

/** Values of fields that follow the page's controls, by the name of the field. */
const FOLLOWED = {
  seed: (app) => app.store.now.wall,
  mean: (app) => app.store.now.mean,
  std: (app) => app.store.now.std,
  classes: (app) => classes(app.store.now),
  points: (app) => [simple(currentPoint(app))],
};

const FORMAT_NAMES = { webp: "WebP", gif: "GIF", mp4: "MP4", png: "PNG" };

/** The request of an experiment: its default, the fields that follow the page, and its extras. */
function requestOf(app, experiment) {
  const followed = Object.fromEntries(experiment.follows.filter((field) => field in FOLLOWED).map((field) => [field, FOLLOWED[field](app)]));
  const where = experiment.spaces ? space(app.store.now) : {};
  return { ...experiment.request, ...followed, ...where, ...EXTRAS[experiment.kind]?.request?.(app) };
}

/** The controls of an experiment; one that can be animated also has a choice of the file format. */
function choicesOf(app, experiment) {
  const formats = experiment.formats.filter((format) => format in FORMAT_NAMES);
  const animated = formats.includes("gif") ? [choice("format", "Format", formats, formats.map((format) => FORMAT_NAMES[format]))] : [];
  return [...(EXTRAS[experiment.kind]?.choices?.(app) ?? []), ...animated];
}

/** The reach of the sliders of the dimensions, in stds of the prior. */
function reach(app) {
  return app.hello.runs[app.store.now.models[0].run].prior === "uniform" ? 1.5 : 3;
}

function currentPoint(app) {
  return app.pins.current().point;
}

function points(app) {
  return [currentPoint(app), ...app.pins.all.map((pin) => pin.point)];
}

/** The picture, the pins and, if these are few, samples that are no columns. */
function mixedRows(app) {
  const { wall, std } = app.store.now;
  const samples = [6, 7, 8].map((k) => ({ seeds: [wall + k], mean: 0, std }));
  return [...points(app), ...samples].map((each) => (typeof each === "number" ? { seeds: [each], mean: 0, std } : each)).slice(0, 4);
}

function waypoints(app) {
  const pins = app.pins.all.slice(-8).map((pin) => pin.point);
  const { mean, std } = app.store.now;
  return pins.length > 1 ? pins.map((each) => simple(each, mean, std)) : [0, 1, 2, 3].map((k) => app.store.now.wall + k);
}

/** A point as the page's state has it: a seed with its mean and std, or a latent. */
function chosenPoint(point) {
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
  return choice("dimension", "Dimension", all.map(String), all.map((each) => (each === "category" ? "class" : String(each).replace("code", "code "))));
}

function dimensionOf(app) {
  const value = chosen("dimension", "0");
  return /^\d+$/.test(value) ? Number(value) : value;
}

export class Views {
  constructor(app, place) {
    this.app = app;
    this.experiments = Object.fromEntries(app.hello.experiments.map((experiment) => [experiment.kind, experiment]));
    const offered = app.hello.experiments.filter(({ styled }) => !styled || app.hello.runs.some(({ styles }) => styles));
    this.buttons = offered.map(({ kind, name }) => {
      return make("button", { role: "radio", "aria-checked": "false", "data-view": kind, onclick: () => this.choose(kind) }, name);
    });
    this.hint = make("p", { class: "hint" });
    this.options = make("div", { class: "actions" });
    this.shown = make("div", { class: "shown", id: "view", translate: "no" }); // as its command writes it
    this.command = make("code", { id: "view-command", tabindex: 0 });
    this.status = make("p", { class: "hint", role: "status" });
    this.save = make("button", { id: "view-save", onclick: () => this.download() }, "Save");
    const chips = make("div", { class: "chips", role: "radiogroup", "aria-label": "Experiment" }, ...this.buttons);
    arrowKeys(chips);
    const enlarge = make("button", { onclick: () => this.shown.requestFullscreen(), title: "The figure alone; Esc goes back", hidden: !document.fullscreenEnabled }, "Enlarge");
    place.append(
      chips,
      this.hint,
      this.options,
      this.status,
      this.shown,
      make("div", { class: "command" }, this.command, make("button", { class: "plain", onclick: (event) => copy(this.command.textContent, event.target) }, "Copy")),
      make("div", { class: "actions" }, this.save, enlarge),
    );
    app.wire.answer("view", (reply) => this.draw(reply));
    app.store.addEventListener("change", ({ detail }) => detail.passing || this.update());
  }

  get experiment() {
    return this.experiments[this.kind];
  }

  choose(kind) {
    this.kind = kind;
    this.buttons.forEach((button) => button.setAttribute("aria-checked", button.dataset.view === kind));
    this.hint.textContent = this.experiment.hint;
    this.options.replaceChildren(...choicesOf(this.app, this.experiment));
    for (const select of this.options.querySelectorAll("select")) select.addEventListener("change", () => this.update(true));
    this.shown.replaceChildren();
    this.update(true);
  }

  open() {
    if (!this.kind) this.choose(this.app.hello.experiments[0].kind);
    else this.update();
  }

  get models() {
    return this.experiment.one_model ? [this.app.store.now.models[0]] : this.app.store.now.models;
  }

  /** Send the request again if it has changed. */
  update(force = false) {
    if (!this.kind || this.app.store.now.tab !== "views" || !this.app.z?.length) return;
    const request = requestOf(this.app, this.experiment);
    const text = JSON.stringify([request, this.models]);
    if (text === this.asked && !force) return;
    this.asked = text;
    this.request = request;
    this.shown.setAttribute("aria-busy", "true");
    this.status.textContent = this.experiment.reads_data ? "Reading the data…" : "";
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
    const pick = EXTRAS[this.kind]?.pick;
    if (!reply.header.error) await showFigure(this.shown, reply, pick ? (...where) => pick(this.app, ...where) : null);
    if (reply.header.id === this.newest) this.shown.setAttribute("aria-busy", "false");
  }

  async download() {
    const kind = chosen("format", "png");
    this.status.textContent = "Saving…";
    try {
      const { header, blobs } = await this.app.wire.ask("save", { request: this.request, models: this.models, kind });
      download(blobs[0], `${this.kind}.${header.type}`, header.type === "mp4" ? "video/mp4" : `image/${header.type}`);
      this.status.textContent = "";
    } catch (error) {
      this.status.textContent = error.message;
    }
  }
}
