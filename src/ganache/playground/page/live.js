// Runs in training: their progress, curves, samples, findings and notices. The charts are those of the report.
/* global Chart, view */

import { decode, make } from "./draw.js";
import { numeral } from "./language.js";

const CHARTS = [
  { title: "Losses", names: ["critic loss", "generator loss"] },
  { title: "Distance to the data", names: ["distance to the data"], description: "1 is the distance before anything is learnt; lower is better." },
  { title: "Modes", names: ["modes found", "points near one"], description: "The share of the data's modes that are found, and of the points that lie near one." },
  { title: "Variety", names: ["variety", "kinds covered", "look real"], description: "1 is as various, as complete and as real as the data." },
];
const QUIET = 180; // seconds without a line of the log after which a run may have been stopped
const LEAST = 10; // steps on the horizontal axis, so that the first line of a log is not at its end
const KEPT = 40; // samples that the page keeps in memory

export class Live {
  constructor(app, place) {
    this.app = app;
    this.run = 0;
    this.charts = new Map(); // title -> Chart
    this.pictures = new Map(); // run and step -> promise of a bitmap
    this.step = null; // the step whose samples are shown; null for the newest
    this.build(place);
    setInterval(() => this.status(), 5000);
    new ResizeObserver(() => this.redraw()).observe(place);
  }

  build(place) {
    this.runs = make("div", { class: "chips", role: "radiogroup", "aria-label": "Run", hidden: true });
    this.pace = make("h2", { class: "pace" });
    this.detail = make("p", { class: "hint" });
    this.bar = make("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
    this.findings = make("div", { class: "findings" });
    this.smooth = make("input", { type: "range", min: 0, max: 0.3, step: 0.01, value: 0.06, oninput: () => this.redraw() });
    this.first = make("div", { class: "chart-box first" });
    this.rest = make("div", { class: "chart-box rest" });
    this.canvas = make("canvas", { class: "grid", role: "img", width: 8, height: 8 });
    this.caption = make("figcaption", {}, "Samples");
    this.moment = make("input", { type: "range", min: 0, max: 0, step: 1, "aria-label": "Step of the samples", oninput: () => this.turn() });
    this.samples = make("figure", { class: "sampled", hidden: true }, this.caption, this.moment, this.canvas);
    this.notices = make("ul", { class: "notices" });
    this.spoken = make("p", { class: "unseen", id: "spoken", "aria-live": "polite" });
    const smoothing = make("label", { class: "smooth" }, "Smoothing", this.smooth);
    const watched = make("div", { class: "watched" }, make("div", { class: "first" }, smoothing, this.first), this.samples, this.rest);
    place.append(this.runs, make("div", { class: "progress" }, make("div", { role: "status" }, this.pace), this.bar, this.detail), this.findings, watched, this.notices, this.spoken);
  }

  get state() {
    return this.states?.[this.run];
  }

  draw({ news }) {
    this.states = news;
    this.told = performance.now();
    this.choices();
    this.status();
    this.verdict();
    this.curves();
    this.sampled();
    this.notices.replaceChildren(...(this.state?.notices ?? []).map(({ step, words }) => make("li", {}, `Step ${number(step)}:`, ` ${words}`)));
  }

  /** Several runs share the charts; one of them is described. */
  choices() {
    this.runs.hidden = this.states.length < 2;
    if (this.runs.hidden || this.runs.childElementCount === this.states.length) return;
    const buttons = this.states.map((_, place) => {
      const dot = make("span", { class: `dot r${place % 8}`, "aria-hidden": "true" });
      return make("button", { role: "radio", "aria-checked": String(place === this.run), translate: "no", onclick: () => this.choose(place) }, dot, this.app.hello.runs[place].name);
    });
    this.runs.replaceChildren(...buttons);
  }

  choose(place) {
    this.run = place;
    this.step = null;
    [...this.runs.children].forEach((button, each) => button.setAttribute("aria-checked", String(each === place)));
    this.draw({ news: this.states });
  }

  status() {
    if (!this.state) return;
    const { last, budget, finished, share, left, points } = this.state;
    const quiet = this.state.quiet + (performance.now() - this.told) / 1000;
    this.bar.hidden = share === null;
    this.bar.value = share ?? 0;
    if (!last) this.pace.textContent = "The training has begun; its log is still empty.";
    else if (finished) this.pace.textContent = `Finished at step ${number(Math.max(last.step, ...this.state.steps))}, after ${clock(last.seconds)}`;
    else {
      const reached = budget ? `Step ${number(last.step)} of ${number(budget)}` : `Step ${number(last.step)}`;
      this.pace.textContent = left === null ? reached : `${reached} · about ${clock(left)} left`;
    }
    const silent = last && !finished && quiet > QUIET ? `No news for ${clock(quiet)}. If the training was stopped, the same command continues it. ` : "";
    this.detail.replaceChildren(silent, last ? pictures(last, points, finished) : "");
  }

  verdict() {
    const { findings, verdict } = this.state ?? { findings: [] };
    this.findings.replaceChildren(...findings.map(finding));
    if (verdict) this.findings.append(make("p", { class: verdict.judged ? "fine" : "early" }, verdict.words, " ", make("span", { class: "hint" }, verdict.more)));
  }

  // ---- curves ------------------------------------------------------------------------------------------------------

  curves() {
    const names = this.app.hello.runs.map(({ name }) => name);
    const every = this.states.flatMap((state) => Object.values(state?.curves ?? {}));
    const extent = { step: [0, 1.03 * Math.max(LEAST, ...every.map((curve) => curve.at(-1)[0]))] };
    for (const { title, names: wanted, description = "" } of CHARTS) {
      const series = this.states.flatMap((state, run) => wanted.filter((name) => state?.curves[name]).map((name) => columns(run, name, state.curves[name])));
      if (!series.length) continue;
      const known = this.charts.get(title);
      if (known && same(known.curves, series)) known.update(series, extent);
      else this.charts.set(title, new Chart({ title, description, logarithmic: known?.logarithmic ?? false, series }, names, extent, () => this.redraw()));
    }
    const [first, ...rest] = CHARTS.map(({ title }) => this.charts.get(title)?.box).filter(Boolean);
    if (first && first.parentElement !== this.first) this.first.replaceChildren(first);
    if (rest.some((box, place) => this.rest.children[place] !== box)) this.rest.replaceChildren(...rest);
    this.redraw();
  }

  redraw() {
    view.smooth = Number(this.smooth.value);
    if (this.first.clientWidth) for (const chart of this.charts.values()) chart.draw();
  }

  // ---- samples -----------------------------------------------------------------------------------------------------

  sampled() {
    const steps = this.state?.sampled ?? [];
    this.samples.hidden = !steps.length;
    if (!steps.length) return;
    const place = this.step === null ? steps.length - 1 : nearest(steps, this.step);
    Object.assign(this.moment, { max: steps.length - 1, value: place });
    this.moment.hidden = steps.length < 2;
    this.show(steps[place]);
  }

  turn() {
    const { sampled } = this.state;
    const place = Number(this.moment.value);
    this.step = place === sampled.length - 1 ? null : sampled[place];
    this.show(sampled[place]);
  }

  async show(step) {
    const { run } = this;
    const words = this.state.points ? `Points of step ${number(step)}` : `Samples of step ${number(step)}`;
    this.moment.setAttribute("aria-valuetext", `step ${number(step)}`);
    this.wanted = `${run} ${step}`;
    const bitmap = await this.picture(run, step).catch(() => null);
    if (this.wanted !== `${run} ${step}`) return;
    this.caption.replaceChildren(make("b", {}, words), bitmap ? ", always of the same latents" : " cannot be shown");
    this.canvas.setAttribute("aria-label", words);
    if (!bitmap) return;
    Object.assign(this.canvas, { width: bitmap.width, height: bitmap.height });
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
  }

  /** The samples of a step as a bitmap; what could not be shown is asked for again. */
  picture(run, step) {
    const key = `${run} ${step}`;
    if (!this.pictures.has(key)) {
      const coming = this.app.wire.ask("sampled", { run, step }).then(({ blobs }) => decode(blobs[0]));
      coming.catch(() => this.pictures.delete(key));
      this.pictures.set(key, coming);
      if (this.pictures.size > KEPT) this.pictures.delete(this.pictures.keys().next().value);
    }
    return this.pictures.get(key);
  }
}

function number(value) {
  return numeral(Math.round(value));
}

/** How many pictures were shown to the networks, how fast, and for how long. */
function pictures({ images, images_per_second: speed, seconds }, points, finished) {
  const shown = points ? `${number(images)} points shown` : `${number(images)} pictures shown`;
  return [shown, `${number(speed)} per second`, ...(finished ? [] : [`${clock(seconds)} of training`])].join(" · ");
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (!minutes) return `${Math.floor(seconds)}\u00a0s`;
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function finding({ severity, sentence, evidence, advice }) {
  return make("article", { class: `finding ${severity}` }, make("h3", {}, sentence), make("p", {}, evidence), make("p", {}, make("b", {}, "Try: "), advice));
}

/** A curve as the charts read it. */
function columns(run, name, points) {
  return { run, name, step: points.map(([step]) => step), y: points.map(([, value]) => value) };
}

function same(curves, series) {
  return curves.length === series.length && curves.every(({ run, name }, place) => run === series[place].run && name === series[place].name);
}

/** The place of the step nearest to `wanted`. */
function nearest(steps, wanted) {
  return steps.reduce((best, step, place) => (Math.abs(step - wanted) < Math.abs(steps[best] - wanted) ? place : best), 0);
}
