// The stage of a lesson: its scenes, the buttons that move them through time, the knobs, the numbers and the curves.
/* global Chart, view */

import { make } from "./draw.js";
import { arrowKeys } from "./keys.js";
import { LIMIT, LINES_LIMIT, DIRAC_LIMIT, paintBars, paintDirac, paintLines, paintPlane } from "./paint.js";
import { whileHeld } from "./pointer.js";
import { settingsPanel } from "./settings.js";
import { t } from "./words.js";

const PAINTERS = { plane: paintPlane, dirac: paintDirac, lines: paintLines };
const SHEETS = ["pictures", "latents"]; // scenes that are pictures
const SPEEDS = { slow: [1, 1, 250], usual: [1, 25, 0], fast: [10, 25, 0], fastest: [1000, 28, 0] }; // steps, ms, pause
const REMEMBERED = 600; // frames that the page keeps; of more, every second one is dropped
const MOST_DRAWN = 5000; // points; the server takes no more
const SPAN = 60; // horizontal values on a curve at least

export class Stage {
  constructor(source, lesson, positions, { say, moved }) {
    Object.assign(this, { source, lesson, positions, say, moved });
    this.memory = []; // [{ step, frames }] in the order of their steps
    this.playing = false;
    this.drawn = null; // the reader's points
    this.changes = {}; // the reader's settings
    this.accepted = { changes: {}, drawn: null }; // those with which the training goes on
    this.turning = 0; // changes that are not answered yet
    this.busy = Promise.resolve(); // requests are sent one after another
    this.failed = 0;
    this.build();
  }

  // ---- elements ----------------------------------------------------------------------------------------------------

  build() {
    const { lesson } = this;
    this.sides = lesson.sides.map((label) => this.side(label));
    this.playButton = make("button", { class: "main", onclick: () => this.toggle() }, t("play"));
    this.moment = make("input", { type: "range", min: 0, max: lesson.steps, step: 1, value: 0, "aria-label": t("moment") });
    this.moment.addEventListener("input", () => this.peek(Number(this.moment.value)));
    this.moment.addEventListener("change", () => this.go(Number(this.moment.value)));
    this.told = make("output", {});
    this.speed = make("select", { "aria-label": t("speed") }, ...Object.keys(SPEEDS).map((name) => make("option", { value: name }, t(name))));
    this.speed.value = lesson.steps < 300 ? "usual" : "fast";
    const one = (word, act) => make("button", { onclick: act }, t(word));
    this.transport = make(
      "div", { class: "transport", role: "group", "aria-label": t("time") },
      this.playButton, one("step", () => this.step()), one("back", () => this.back()), one("anew", () => this.begin()),
      make("label", {}, `${t("speed")} `, this.speed), this.moment, this.told,
    ); // prettier-ignore
    if (this.source.recorded) this.speed.parentElement.hidden = true;
    this.knobs = make("div", { class: "controls" }, ...lesson.knobs.map((knob, place) => this.knob(knob, place)));
    if (lesson.scene === "plane" && !this.source.recorded) {
      this.panel = settingsPanel(this);
      this.knobs.append(this.panel.element);
    }
    this.charts = make("div", { class: "charts" });
    const scenes = make("div", { class: "sides" }, ...this.sides.map(({ element }) => element));
    this.element = make("section", { class: "staged", "aria-label": t("stage") }, make("div", { class: "stage" }, make("div", {}, scenes, this.transport), this.knobs), this.charts);
    this.watch = new ResizeObserver(() => this.draw());
    this.watch.observe(scenes);
  }

  /** The canvas and the numbers of one side. */
  side(label) {
    const { scene, shows } = this.lesson;
    const canvas = make("canvas", { class: `scene${scene === "lines" ? " wide" : ""}${SHEETS.includes(scene) ? " sheet" : ""}`, role: "img" });
    const bars = Object.fromEntries(shows.filter((part) => ["weights", "slopes"].includes(part)).map((part) => [part, make("canvas", { class: "bars", role: "img", "aria-label": t(part) })]));
    const numbers = make("dl", { class: "numbers" });
    const said = make("div", { class: "said" });
    const key = SHEETS.includes(scene) ? null : make("p", { class: "key" }, make("span", { class: "real" }, t(`${scene} real`)), make("span", { class: "fake" }, t(`${scene} fake`)), ...(shows.includes("surface") ? [make("span", { class: "high" }, t("high")), make("span", { class: "low" }, t("low"))] : []));
    const titled = Object.entries(bars).flatMap(([part, each]) => [make("p", { class: "hint" }, t(part)), each]);
    const element = make("div", { class: "side" }, label ? make("h3", {}, label) : null, canvas, key, said, numbers, ...titled);
    if (["dirac", "lines"].includes(scene) && !this.source.recorded) this.drag(canvas);
    return { element, canvas, bars, numbers, said };
  }

  knob({ label, choices }, place) {
    const chips = choices.map((choice, k) => make("button", { role: "radio", "aria-checked": String(k === this.positions[place]), onclick: () => this.turn(place, k) }, choice));
    const group = make("div", { class: "chips", role: "radiogroup", "aria-label": label }, ...chips);
    arrowKeys(group);
    return make("div", {}, make("h3", {}, label), group);
  }

  /** Let the reader drag the start of a path, or a line. */
  drag(canvas) {
    const lines = this.lesson.scene === "lines";
    const move = ([x, y]) => {
      this.pause();
      this.wanted = [x, lines ? 0 : y];
      if (!this.placing) this.put();
    };
    whileHeld(canvas, lines ? LINES_LIMIT : DIRAC_LIMIT, move, lines);
  }

  async put() {
    this.placing = true;
    while (this.wanted) {
      const [x, y] = this.wanted;
      this.wanted = null;
      this.memory = [];
      await this.request(() => this.source.place(x, y));
    }
    this.placing = false;
  }

  // ---- requests ----------------------------------------------------------------------------------------------------

  /** Send one request after those before it, and show its frames. */
  request(send) {
    const { failed } = this;
    const answered = this.busy.then(async () => {
      if (this.closed) return null;
      const reply = await send();
      if (this.closed) return null;
      if (failed === this.failed) this.say(""); // what was said of earlier requests is over
      this.show(reply);
      return reply;
    });
    this.busy = answered.catch(() => {});
    return answered.catch((error) => {
      this.failed += 1;
      this.pause();
      if (!this.closed) this.say(error.message);
      return null;
    });
  }

  open() {
    this.moved(this.positions);
    return this.request(() => this.source.open(this.lesson, this.positions));
  }

  /** After the connection was lost: the same lesson and the same step again. */
  async refresh() {
    const step = this.memory.at(-1)?.step ?? 0;
    const { changes, drawn } = this;
    await this.open();
    Object.assign(this, { changes, drawn });
    if (Object.keys(changes).length || drawn) await this.change({ anew: true });
    if (step) await this.go(step);
  }

  close() {
    this.closed = true;
    this.playing = false;
    this.watch.disconnect();
  }

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  }

  pause() {
    this.playing = false;
    this.playButton.textContent = t("play");
  }

  async play() {
    this.playing = true;
    this.playButton.textContent = t("pause");
    while (this.playing && !this.closed) {
      const [steps, milliseconds, rest] = SPEEDS[this.speed.value];
      const start = performance.now();
      const reply = await this.request(() => this.source.advance(steps, milliseconds));
      if (!reply || reply.end) return this.pause();
      const wait = this.source.recorded ? 60 : rest;
      if (wait) await new Promise((done) => setTimeout(done, Math.max(0, wait - (performance.now() - start))));
      await new Promise((done) => requestAnimationFrame(done));
    }
  }

  step() {
    this.pause();
    return this.request(() => this.source.advance(1, 1000));
  }

  back() {
    this.pause();
    const now = this.now?.frames[0].step ?? 0;
    return this.go(this.source.recorded ? (this.memory.findLast(({ step }) => step < now)?.step ?? 0) : now - 1);
  }

  begin() {
    this.pause();
    this.memory = [];
    if (this.source.recorded) return this.go(0);
    return this.change({ anew: true });
  }

  /** Show the nearest frame that the page remembers, while the slider moves. */
  peek(step) {
    this.pause();
    const near = this.memory.reduce((best, each) => (Math.abs(each.step - step) < Math.abs(best.step - step) ? each : best), this.memory[0]);
    if (near) this.render(near.frames);
  }

  async go(step) {
    this.pause();
    let reached = -1;
    this.going = step;
    while (this.going === step && !this.closed) {
      const reply = await this.request(() => this.source.go(step));
      const now = reply?.frames[0].step;
      if (!reply || this.source.recorded || now >= step || now === reached) break;
      reached = now;
    }
    this.going = null;
  }

  turn(place, choice) {
    this.positions = this.positions.with(place, choice);
    if (this.lesson.knobs[place].restarts) this.memory = [];
    this.moved(this.positions);
    this.showPositions();
    return this.change();
  }

  /** Go on with the present positions, settings and points, or as before if they are refused. */
  async change(more = {}) {
    const { changes, drawn } = this;
    this.turning += 1;
    const reply = await this.request(() => this.source.change(this.positions, { changes, drawn: drawn ?? [], ...more }));
    this.turning -= 1;
    if (reply) this.accepted = { changes, drawn };
    else if (!this.turning) this.takeBack(this.accepted);
    return reply;
  }

  /** Show other settings and points than the reader has asked for. */
  takeBack(accepted) {
    this.accepted = { ...this.accepted, ...accepted };
    Object.assign(this, accepted);
    this.panel?.fill(this.changes);
    this.draw();
  }

  showPositions() {
    [...this.knobs.querySelectorAll('[role="radiogroup"]')].forEach((group, place) => {
      [...group.children].forEach((chip, k) => chip.setAttribute("aria-checked", String(k === this.positions[place])));
    });
  }

  // ---- pictures ----------------------------------------------------------------------------------------------------

  show({ frames, positions, changes, before }) {
    const { step } = frames[0];
    if (changes && !this.turning && JSON.stringify(changes) !== JSON.stringify(this.changes)) this.takeBack({ changes });
    if (positions && !this.turning && positions.join() !== this.positions.join()) {
      this.positions = positions;
      this.moved(positions);
      this.showPositions();
    }
    const first = this.memory.findIndex((each) => each.step >= step);
    if (before) this.memory = before.slice();
    else if (first >= 0) this.memory.length = first;
    this.memory.push({ step, frames });
    if (this.memory.length > REMEMBERED) this.memory = this.memory.filter((_, k) => k % 2 === 0 || k === this.memory.length - 1);
    if (step > Number(this.moment.max)) this.moment.max = step;
    this.render(frames);
    this.curves();
  }

  render(frames) {
    this.now = { frames };
    const { step } = frames[0];
    this.moment.value = step;
    this.told.textContent = t("at step", { step: step.toLocaleString(document.documentElement.lang) });
    frames.forEach((frame, place) => this.tell(this.sides[place], frame));
    this.draw();
  }

  tell(side, { numbers, words, pictures }) {
    side.said.replaceChildren(...words.map((word) => make("p", {}, t(word))));
    const wanted = this.lesson.numbers.length ? this.lesson.numbers : Object.keys(numbers).filter((name) => !["range", "earth_mover", "jensen_shannon", "total_variation", "kullback_leibler"].includes(name));
    const rows = wanted.filter((name) => name in numbers).map((name) => [name, numbers[name]]);
    side.numbers.replaceChildren(...rows.flatMap(([name, value]) => [make("dt", {}, t(name)), make("dd", {}, digits(value))]));
    const spoken = rows.map(([name, value]) => `${t(name)} ${digits(value)}`).join(", ");
    side.canvas.setAttribute("aria-label", `${this.told.textContent}: ${spoken}`);
    if (pictures?.length) Object.assign(side.canvas, { width: pictures[0].width, height: pictures[0].height });
  }

  draw() {
    this.now?.frames.forEach((frame, place) => {
      const { canvas, bars } = this.sides[place];
      if (!canvas.clientWidth) return;
      if (frame.pictures?.length) canvas.getContext("2d").drawImage(frame.pictures[0], 0, 0);
      else PAINTERS[this.lesson.scene](canvas, frame, this.drawing ?? this.drawn);
      for (const [part, bar] of Object.entries(bars)) {
        const end = part === "weights" ? (frame.numbers.range ?? 0) : 3;
        if (frame.arrays[part]) paintBars(bar, frame.arrays[part], [part === "weights" ? `−${digits(end)}` : "0", part === "weights" ? digits(end) : "≥ 3"]);
      }
    });
  }

  curves() {
    const { lesson, memory } = this;
    for (const name of lesson.curves) {
      const series = this.sides.map((_, run) => {
        const known = memory.filter(({ frames }) => frames[run]?.numbers[name] !== undefined);
        return { run, name: t(name), step: known.map(({ step }) => step), y: known.map(({ frames }) => frames[run].numbers[name]) };
      });
      if (series.some(({ step }) => !step.length)) continue;
      const extent = { step: [0, Math.max(SPAN, memory.at(-1).step)] };
      this.plots ??= new Map();
      const plot = this.plots.get(name);
      if (plot) plot.update(series, extent);
      else {
        const chart = new Chart({ title: t(name), description: "", logarithmic: lesson.logarithmic, series }, lesson.sides, extent, () => this.redraw());
        this.plots.set(name, chart);
        this.charts.append(chart.box);
      }
    }
    this.redraw();
  }

  redraw() {
    view.smooth = 0;
    for (const plot of this.plots?.values() ?? []) if (plot.box.clientWidth) plot.draw();
  }

  // ---- the reader's points -----------------------------------------------------------------------------------------

  /** Let the reader draw real points with the pointer. Return a function that ends this and shows them. */
  startDrawing() {
    this.pause();
    this.drawing = [];
    const end = whileHeld(this.sides[0].canvas, LIMIT, (place) => {
      if (place.every((value) => Math.abs(value) <= LIMIT) && this.drawing.length < MOST_DRAWN) this.drawing.push(place);
      this.draw();
    });
    return () => {
      end();
      this.drawn = this.drawing.length ? this.drawing : null;
      this.drawing = null;
      this.memory = [];
      return this.change({ anew: true });
    };
  }

  /** Act on a key; return whether it is one of the stage's. */
  key(name) {
    const acts = { " ": () => this.toggle(), ArrowRight: () => this.step(), ArrowLeft: () => this.back(), Home: () => this.begin() };
    acts[name]?.();
    return name in acts;
  }
}

function digits(value) {
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) >= 0.001 || value === 0 ? value.toPrecision(3) : value.toExponential(1);
}
