// A run in training: its progress, curves, latest samples, findings and notices.

import { decode, make } from "./draw.js";

const CHARTS = [
  ["Losses", ["critic loss", "generator loss"], ""],
  ["Distance to the data", ["distance to the data"], "1 is the distance of a picture of one colour; lower is better"],
  ["Variety", ["variety", "kinds covered"], "1 is as various as the data"],
];
const WIDTH = 360;
const HEIGHT = 130;
const MARGIN = { left: 34, right: 8, top: 8, bottom: 18 };
const SVG = "http://www.w3.org/2000/svg";

export class Live {
  constructor(place) {
    this.pace = make("p", { class: "pace" });
    this.bar = make("progress", { max: 1, value: 0, "aria-label": "Progress of the training" });
    this.findings = make("div", { class: "findings" });
    this.charts = make("div", { class: "charts" });
    this.canvas = make("canvas", { class: "grid", role: "img", width: 8, height: 8 });
    this.caption = make("figcaption");
    this.notices = make("ul", { class: "notices" });
    place.append(this.pace, this.bar, this.findings, make("figure", { class: "part" }, this.caption, this.canvas), this.charts, this.notices);
  }

  async draw({ news }, blobs) {
    const { last, budget } = news;
    const number = (value) => Math.round(value).toLocaleString("en");
    this.pace.textContent = last
      ? `Step ${number(last.step)}${budget ? ` of ${number(budget)}` : ""} · ${number(last.images)} pictures shown · ${number(last.images_per_second)} per second · ${clock(last.seconds)}`
      : "The training has begun; its log is still empty.";
    this.bar.hidden = !budget || !last;
    if (budget && last) this.bar.value = last.step / budget;
    this.findings.replaceChildren(...news.findings.map(finding));
    if (!news.findings.length) this.findings.append(make("p", { class: "fine" }, "No problem was found. ", make("span", { class: "hint" }, news.looks)));
    this.charts.replaceChildren(...CHARTS.map(([name, curves, hint]) => chart(name, hint, curves, news.curves)).filter(Boolean));
    this.notices.replaceChildren(...news.notices.map(({ step, words }) => make("li", {}, `Step ${number(step)}: ${words}`)));
    if (!blobs.length) return;
    const bitmap = await decode(blobs[0]).catch(() => null);
    if (!bitmap) return;
    Object.assign(this.canvas, { width: bitmap.width, height: bitmap.height });
    this.canvas.getContext("2d").drawImage(bitmap, 0, 0);
    this.caption.textContent = `Samples of step ${number(news.sampled)}, always the same latents`;
    this.canvas.setAttribute("aria-label", this.caption.textContent);
  }
}

function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (!minutes) return `${Math.floor(seconds)}\u00a0s`;
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function finding({ severity, sentence, evidence, advice }) {
  return make("article", { class: `finding ${severity}` }, make("h3", {}, sentence), make("p", {}, evidence), make("p", {}, make("b", {}, "Try: "), advice));
}

function svg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Draw curves over steps; null if there are no points yet. */
function chart(name, hint, wanted, curves) {
  const known = wanted.filter((each) => curves[each]?.length > 1);
  if (!known.length) return null;
  const points = known.flatMap((each) => curves[each]);
  const last = Math.max(...points.map(([step]) => step));
  const values = points.map(([, value]) => value).sort((a, b) => a - b);
  const low = Math.min(0, values[Math.floor(values.length * 0.01)]);
  const high = values[Math.ceil(values.length * 0.99) - 1] * 1.05 || 1; // so that a single spike does not flatten the rest
  const x = (step) => MARGIN.left + (step / last) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value) => HEIGHT - MARGIN.bottom - ((Math.min(value, high) - low) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const drawing = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${name} up to step ${last}` });
  for (const value of [low, (low + high) / 2, high]) {
    drawing.append(svg("line", { x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: y(value), y2: y(value), class: "rule" }));
    drawing.append(svg("text", { x: MARGIN.left - 4, y: y(value) + 3, "text-anchor": "end" }, value.toPrecision(2)));
  }
  drawing.append(svg("text", { x: WIDTH - MARGIN.right, y: HEIGHT - 4, "text-anchor": "end" }, `step ${last.toLocaleString("en")}`));
  known.forEach((each, place) => {
    const line = curves[each].map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    drawing.append(svg("polyline", { points: line, class: `curve curve-${place}` }));
  });
  const legend = known.length > 1 ? make("span", { class: "legend" }, ...known.map((each, place) => make("span", { class: `key key-${place}` }, each))) : null;
  return make("figure", { class: "chart" }, make("figcaption", {}, make("b", {}, name), " ", legend, hint ? make("span", { class: "hint" }, hint) : null), drawing);
}
