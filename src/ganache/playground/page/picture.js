// The large picture, of each chosen model; it follows the state.

import { copy, decode, download, find, make, put } from "./draw.js";
import { numeral } from "./language.js";
import { changed, changes, nameOf, request, resettable, styleLayers, UNCHANGED } from "./state.js";

const LIKENESS = [[20, "Rough likeness"], [28, "Good likeness"], [Infinity, "Nearly the same"]]; // below so many dB
const MIN_SIDE = 1024; // pixels of the shorter side of an enlarged picture

export class Stage {
  constructor(app) {
    this.app = app;
    this.figures = [];
    this.asked = false;
    this.shown = 0;
    app.wire.answer("picture", (reply) => this.draw(reply));
    app.store.addEventListener("change", () => this.update());
    find("copy").addEventListener("click", (event) => copy(find("command").textContent, event.target));
  }

  /** Request the picture once before the next frame, however often the state changes until then. */
  update() {
    this.layOut();
    this.words();
    find("pictures").setAttribute("aria-busy", "true");
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      const state = this.state;
      const origin = JSON.stringify([state.point, state.mean, state.std, state.class, state.models, state.cutoff]);
      const base = origin !== this.origin; // otherwise the latent without changes is the same
      this.newest = this.app.wire.show("picture", { request: request(state), models: state.models, base: base || this.unsure });
      this.unsure ||= base;
      this.origin = origin;
    });
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.tell(), 250);
  }

  /** The state that the picture shows: without the changes while `before` is held. */
  get state() {
    const { now } = this.app.store;
    return this.plain ? { ...now, ...UNCHANGED } : now;
  }

  /** Show the picture without its changes, or with them again. */
  before(plain) {
    if (plain === Boolean(this.plain) || (plain && !changed(this.app.store.now))) return;
    this.plain = plain;
    find("before").classList.toggle("held", plain);
    this.update();
  }

  async draw({ header, blobs }) {
    if (header.error) {
      this.app.say(header.error);
      this.rest(header.id);
      return;
    }
    const order = (this.order = (this.order ?? 0) + 1);
    const bitmaps = await Promise.all(header.shown.map((each) => (each.error ? null : decode(blobs[each.blob]))));
    if (order < this.shown) return; // a later picture is shown already
    this.shown = order;
    header.shown.forEach((each, place) => {
      const figure = this.figures[place];
      if (!figure) return;
      figure.element.classList.toggle("failed", Boolean(each.error));
      figure.error.textContent = each.error ?? "";
      const lacks = (each.lacks ?? []).flatMap((lack, k) => [k ? ", no " : "It has no ", lack]);
      figure.lacks.replaceChildren(...(lacks.length ? [...lacks, ": shown without."] : []));
      figure.element.classList.toggle("lacking", Boolean(each.lacks?.length));
      figure.name.textContent = each.heading;
      if (bitmaps[place]) put(figure.canvas, bitmaps[place], each);
    });
    if (!this.plain) this.app.z = header.z;
    if (header.base) {
      this.app.base = header.base;
      this.unsure = false;
    }
    find("pictures").dataset.drawn = String(order);
    find("pictures").dataset.ms = header.ms;
    this.app.knobs?.follow();
    this.rest(header.id);
  }

  /** Mark the picture as up to date if it is the newest that was requested. */
  rest(id) {
    if (id === this.newest && !this.asked) find("pictures").setAttribute("aria-busy", "false");
  }

  /** Show one figure per model. */
  layOut() {
    const { models } = this.app.store.now;
    const key = JSON.stringify([models, this.app.hello.runs.map((run) => run.steps)]);
    if (key === this.laid) return;
    this.laid = key;
    while (this.figures.length > models.length) this.figures.pop().element.remove();
    while (this.figures.length < models.length) this.figures.push(this.figure());
    find("pictures").className = `of-${models.length}`;
    models.forEach((model, place) => this.choices(this.figures[place], model, place));
    this.time();
  }

  figure() {
    const canvas = make("canvas", { role: "img", width: 8, height: 8, "aria-label": "The picture" });
    const heat = make("canvas", { class: "heat", width: 8, height: 8, "aria-hidden": "true" });
    const error = make("p", { class: "error" });
    const name = make("span", { class: "name", translate: "no" });
    const lacks = make("p", { class: "lacks hint" });
    const tools = make("span", { class: "choose" });
    const corner = make("span", { class: "corner" });
    const element = make("figure", {}, make("div", { class: "frame" }, canvas, heat, error, corner), make("figcaption", {}, name, tools), lacks);
    find("pictures").insertBefore(element, this.given?.element ?? null);
    return { element, canvas, heat, error, name, tools, corner, lacks };
  }

  /** Fill in a figure's choice of checkpoints. */
  choices(figure, model, place) {
    const { hello, store } = this.app;
    const { models } = store.now;
    const several = hello.runs.length > 1 || hello.runs.some((run) => run.steps.length > 1);
    figure.tools.replaceChildren();
    figure.corner.replaceChildren();
    figure.element.classList.toggle("plain", !several);
    if (!several) return;
    const select = make("select", { "aria-label": `Model of picture ${place + 1}` });
    hello.runs.forEach((run, number) => {
      const group = make("optgroup", { label: run.name });
      if (!run.steps.length) return;
      group.append(make("option", { value: `${number}` }, `${run.name}, step ${numeral(run.step)}`));
      for (const step of run.steps.filter((each) => each !== run.step || each === model.step).reverse()) {
        const words = step === run.best ? `${run.name}, step ${numeral(step)}, best` : `${run.name}, step ${numeral(step)}`;
        group.append(make("option", { value: `${number}@${step}` }, words));
      }
      select.append(group);
    });
    select.value = model.step === null ? `${model.run}` : `${model.run}@${model.step}`;
    select.addEventListener("change", () => {
      const [run, step] = select.value.split("@").map(Number);
      store.change({ models: models.with(place, { run, step: step ?? null }) });
    });
    figure.tools.append(select);
    if (models.length > 1) {
      const first = () => store.change({ models: [models[place], ...models.toSpliced(place, 1)] });
      const title = "Let the sliders, the samples and the time belong to this one";
      figure.tools.append(place ? make("button", { class: "plain", title, onclick: first }, "use the sliders") : make("span", { class: "tag" }, "has the sliders"));
      const remove = () => store.change({ models: models.toSpliced(place, 1) });
      figure.corner.append(make("button", { class: "plain away", "aria-label": `Remove picture ${place + 1}`, title: "Remove", onclick: remove }, "×"));
    }
    if (place === models.length - 1 && models.length < hello.most_models) {
      const add = () => store.change({ models: [...models, this.other(models)] });
      figure.tools.append(make("button", { class: "plain", "aria-label": "Compare with another", title: "Compare with another run or checkpoint", onclick: add }, "+ compare"));
    }
  }

  /** Return a model that is not shown yet, if there is one. */
  other(models) {
    const { runs } = this.app.hello;
    const every = runs.flatMap((run, number) => [{ run: number, step: null }, ...run.steps.map((step) => ({ run: number, step }))]);
    const shows = ({ run, step }) => `${run}@${step ?? runs[run].step}`;
    const known = new Set(models.map(shows));
    return every.find((each) => !known.has(shows(each))) ?? every[0];
  }

  /** Update the slider over the first model's checkpoints. */
  time() {
    const { store, hello } = this.app;
    const [model] = store.now.models;
    const { steps, step } = hello.runs[model.run];
    find("time").hidden = steps.length < 2;
    const place = Math.max(0, steps.indexOf(model.step ?? step));
    Object.assign(find("moment"), { max: steps.length - 1, value: place });
    find("moment-told").textContent = `step ${numeral(steps[place] ?? 0)}`;
    find("moment").setAttribute("aria-valuetext", find("moment-told").textContent);
  }

  words() {
    const state = this.app.store.now;
    const count = changes(state);
    const words = [nameOf(state.point, state.label)];
    if (typeof state.point !== "object" && state.mean) words.push(`mean ${state.mean}`);
    if (typeof state.point !== "object" && state.std !== 1) words.push(styleLayers(state) ? `truncation ${state.std}` : `spread ${state.std}`);
    if (state.class !== null) words.push(`class ${state.class}`);
    if (count) words.push(count > 1 ? `${count} changes` : "1 change");
    find("where").textContent = words.join(" · ");
    find("reset").disabled = !resettable(state);
    find("before").disabled = !changed(state);
    const seed = state.point?.seeds?.length === 1 ? state.point.seeds[0] : state.point;
    find("seed").value = typeof seed === "number" ? seed : "";
    if (this.given) {
      this.given.element.hidden = this.given.key !== JSON.stringify(state.point);
      find("pictures").classList.toggle("with-given", !this.given.element.hidden);
    }
    for (const { canvas } of this.figures) canvas.setAttribute("aria-label", `The picture of ${words.join(" · ")}`);
  }

  /** Keep a picture that was given beside the generator's, as long as the latent found for it is shown. */
  showGiven(bitmap, header, point) {
    this.given?.element.remove();
    const canvas = make("canvas", { role: "img", "aria-label": "The picture given" });
    put(canvas, bitmap, header, 0);
    const [, likeness] = LIKENESS.find(([below]) => header.psnr < below);
    const told = make("figcaption", { title: "PSNR: higher is closer" }, `The picture given. ${likeness}, ${Math.round(header.psnr)} dB`);
    const element = make("figure", { class: "given" }, make("div", { class: "frame" }, canvas), told);
    find("pictures").append(element);
    this.given = { element, key: JSON.stringify(point) };
  }

  /** Show the command that makes this picture, and keep its request. */
  async tell() {
    const { store, wire } = this.app;
    const asked = (this.latestTell = {});
    try {
      const { header } = await wire.ask("tell", { request: request(store.now), models: store.now.models });
      if (asked !== this.latestTell) return;
      this.request = header.request;
      find("command").textContent = header.command;
    } catch (error) {
      if (asked === this.latestTell) find("command").textContent = "";
    }
  }

  /** Show on the picture where a dimension acts; null removes it. */
  heat(canvas) {
    const figure = this.figures[0];
    if (!figure) return;
    figure.element.classList.toggle("heated", Boolean(canvas));
    if (!canvas) return;
    Object.assign(figure.heat, { width: canvas.width, height: canvas.height });
    figure.heat.getContext("2d").drawImage(canvas, 0, 0);
  }

  async save(plain) {
    const { store, wire, say } = this.app;
    try {
      const { blobs } = await wire.ask("save", { request: request(store.now), models: store.now.models, plain });
      download(blobs[0], plain ? "picture.png" : "picture-with-captions.png", "image/png");
    } catch (error) {
      say(error.message);
    }
  }

  /** Save the pictures side by side as the screen shows them: enlarged, with smooth pixels. */
  async saveLarge() {
    const { store, wire, say } = this.app;
    try {
      const { blobs } = await wire.ask("save", { request: request(store.now), models: store.now.models, plain: true });
      const bitmap = await decode(blobs[0]);
      const times = Math.max(1, Math.ceil(MIN_SIDE / Math.min(bitmap.width / this.figures.length, bitmap.height)));
      const canvas = make("canvas", { width: times * bitmap.width, height: times * bitmap.height });
      const context = canvas.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((file) => download(file, "picture-large.png", "image/png"), "image/png");
    } catch (error) {
      say(error.message);
    }
  }

  async saveRequest() {
    await this.tell();
    download(JSON.stringify(this.request, null, 2) + "\n", "picture.json", "application/json");
  }
}
