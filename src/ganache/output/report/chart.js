"use strict";
// One drawing of several curves, as SVG, with a legend that reads their values where the pointer is.

const HEIGHT = 220, LEFT = 50, RIGHT = 10, TOP = 8, BOTTOM = 22;
const DASHES = ["none", "6 3", "2 3", "9 3 2 3", "14 4"];
const FEW = 60; // up to so many points are marked with dots
const DRAG = 8; // pixels that make a drag of a click

// What all charts share: what the horizontal axis counts, the part of it that is seen, by how much curves are
// smoothed, where the reader points, and which runs are seen.
const view = { by: "step", from: -Infinity, to: Infinity, smooth: 0, at: null, hidden: new Set() };

function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

function shape(kind, attributes = {}, parent = null) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (parent) parent.append(made);
  return made;
}

function words(value) {
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-4) return value.toExponential(1);
  const compact = Math.abs(value) >= 1e5 ? "compact" : "standard";
  return new Intl.NumberFormat("en", { notation: compact, maximumSignificantDigits: 4 }).format(value);
}

// About `most` round numbers from low to high.
function ticks(low, high, most) {
  const rough = (high - low) / most, ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find((each) => each * ten >= rough);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) found.push(k * step);
  return found;
}

// The same for a logarithmic axis, whose ends are exponents of ten.
function decades(low, high) {
  const whole = ticks(low, high, 5).filter(Number.isInteger).map((each) => 10 ** each);
  return whole.length > 1 ? whole : ticks(10 ** low, 10 ** high, 4).filter((each) => each > 0);
}

// A running mean over a share of the points, centred.
function smoothed(values, share) {
  const reach = Math.round((share * values.length) / 2);
  if (reach < 1) return values;
  const sums = [0];
  for (const value of values) sums.push(sums[sums.length - 1] + value);
  return values.map((_, k) => {
    const first = Math.max(0, k - reach), last = Math.min(values.length, k + reach + 1);
    return (sums[last] - sums[first]) / (last - first);
  });
}

// The place in ascending `values` that is nearest to `wanted`.
function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low > 0 && wanted - values[low - 1] <= values[low] - wanted ? low - 1 : low;
}

class Chart {
  constructor(told, runs, whole, changed) {
    this.whole = whole; // the ends of the horizontal axis, for each way to count
    this.changed = changed; // what to call when the shared view has changed
    this.title = told.title;
    this.logarithmic = told.logarithmic;
    const names = [...new Set(told.series.map((each) => each.name))];
    this.curves = told.series.map((each) => ({
      ...each,
      label: runs.length > 1 ? `${runs[each.run]} · ${each.name}` : each.name,
      colour: `r${(runs.length > 1 ? each.run : names.indexOf(each.name)) % 8}`,
      dash: DASHES[(runs.length > 1 ? names.indexOf(each.name) : 0) % DASHES.length],
      chosen: true,
    }));
    this.build(told);
  }

  build(told) {
    this.scale = element("button", { type: "button", textContent: "log", title: "Logarithmic axis" });
    this.scale.setAttribute("aria-label", `${told.title}: logarithmic axis`);
    this.scale.onclick = () => { this.logarithmic = !this.logarithmic; this.draw(); };
    this.place = element("span", { className: "soft" });
    this.svg = shape("svg", { role: "img", tabindex: "0", "aria-label": `${told.title}, curves` });
    this.legend = element("div", { className: "legend" });
    for (const curve of this.curves) this.legend.append(this.entry(curve));
    const heading = element("h3", {}, element("span", { textContent: told.title }), this.place, this.scale);
    const said = element("p", { className: "soft", textContent: told.description });
    this.box = element("div", { className: "chart" }, heading, said, this.svg, this.legend);
    this.listen();
  }

  entry(curve) {
    const sample = shape("svg", { class: curve.colour, viewBox: "0 0 26 10", "aria-hidden": "true" });
    shape("path", { d: "M0 5H26", "stroke-dasharray": curve.dash }, sample);
    curve.value = element("b");
    curve.button = element("button", { type: "button" }, sample, curve.label, curve.value);
    curve.button.onclick = () => { curve.chosen = !curve.chosen; this.draw(); };
    return curve.button;
  }

  seen() {
    return this.curves.filter((curve) => curve.chosen && !view.hidden.has(curve.run));
  }

  draw() {
    this.width = Math.max(200, this.svg.clientWidth) - LEFT - RIGHT;
    this.height = HEIGHT - TOP - BOTTOM;
    this.svg.setAttribute("viewBox", `0 0 ${this.width + LEFT + RIGHT} ${HEIGHT}`);
    this.svg.replaceChildren();
    this.scale.setAttribute("aria-pressed", this.logarithmic);
    const [first, last] = this.whole[view.by];
    this.left = Math.max(view.from, first);
    this.right = Math.max(Math.min(view.to, last), this.left + 1e-9);
    const shown = this.seen().map((curve) => this.within(curve));
    this.range(shown.flatMap((each) => each.ys));
    this.axes();
    // An svg inside the svg cuts off what leaves the plot.
    this.plot = shape("svg", { x: LEFT, y: TOP, width: this.width, height: this.height }, this.svg);
    for (const each of shown) this.line(each);
    this.band = shape("rect", { class: "band", y: 0, height: this.height, width: 0 }, this.plot);
    this.cursor = shape("line", { class: "cursor", y1: 0, y2: this.height, visibility: "hidden" }, this.plot);
    this.point();
  }

  // The points of a curve in the part that is seen, one more at either end, as they are and smoothed.
  within(curve) {
    const xs = curve[view.by], first = xs.findIndex((x) => x >= this.left);
    const beyond = xs.findIndex((x) => x > this.right);
    const part = [Math.max(0, (first < 0 ? xs.length : first) - 1), beyond < 0 ? xs.length : beyond + 1];
    const ys = smoothed(curve.y, view.smooth).slice(...part);
    return { curve, xs: xs.slice(...part), ys, raw: curve.y.slice(...part) };
  }

  range(values) {
    const usable = this.logarithmic ? values.filter((value) => value > 0).map(Math.log10) : values;
    let low = usable.reduce((a, b) => Math.min(a, b), Infinity);
    let high = usable.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!usable.length) [low, high] = [0, 1];
    const margin = (high - low) * 0.05 || Math.abs(high) * 0.1 || 0.5;
    [this.low, this.high] = [low - margin, high + margin];
  }

  x(value) { return ((value - this.left) / (this.right - this.left)) * this.width; }

  y(value) {
    const at = this.logarithmic ? Math.log10(Math.max(value, 1e-300)) : value;
    return this.height - ((at - this.low) / (this.high - this.low)) * this.height;
  }

  axes() {
    for (const value of this.logarithmic ? decades(this.low, this.high) : ticks(this.low, this.high, 4)) {
      const y = this.y(value) + TOP;
      if (y < TOP || y > TOP + this.height) continue;
      shape("line", { class: "grid", x1: LEFT, x2: LEFT + this.width, y1: y, y2: y }, this.svg);
      shape("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, this.svg).textContent = words(value);
    }
    for (const value of ticks(this.left, this.right, Math.max(3, this.width / 80))) {
      const x = this.x(value) + LEFT;
      shape("text", { x, y: HEIGHT - 5, "text-anchor": "middle" }, this.svg).textContent = words(value);
    }
  }

  line({ curve, xs, ys, raw }) {
    const group = shape("g", { class: curve.colour }, this.plot);
    const path = (values) => {
      const drawn = xs.map((x, k) => [x, values[k]]).filter(([, y]) => !this.logarithmic || y > 0);
      return drawn.map(([x, y], k) => `${k ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
    };
    if (view.smooth) shape("path", { class: "raw", d: path(raw) }, group);
    shape("path", { d: path(ys), "stroke-dasharray": curve.dash }, group);
    if (xs.length > FEW) return;
    xs.forEach((x, k) => {
      if (!this.logarithmic || ys[k] > 0) shape("circle", { cx: this.x(x), cy: this.y(ys[k]), r: 2.2 }, group);
    });
  }

  // Put the cursor where the reader points, and the curves' values there, or their last ones, into the legend.
  point() {
    const at = view.at ?? this.right;
    this.cursor.setAttribute("visibility", view.at === null ? "hidden" : "visible");
    this.cursor.setAttribute("x1", this.x(at));
    this.cursor.setAttribute("x2", this.x(at));
    const seen = this.seen();
    for (const curve of this.curves) {
      curve.button.setAttribute("aria-pressed", seen.includes(curve));
      curve.value.textContent = words(curve.y[nearest(curve[view.by], at)]);
    }
    const nearby = seen.map((curve) => curve[view.by][nearest(curve[view.by], at)]);
    const unit = { step: "step", images: "pictures", minutes: "minute" }[view.by];
    this.place.textContent = nearby.length ? `${unit} ${words(nearby[0])}` : "";
  }

  spoken() {
    const values = this.seen().map((curve) => `${curve.label} ${curve.value.textContent}`);
    return `${this.title}, ${this.place.textContent}: ${values.join(", ")}`;
  }

  // ---- what the reader does -------------------------------------------------------------------------------------

  listen() {
    let start = null;
    const at = (event) => {
      const inside = event.clientX - this.svg.getBoundingClientRect().left - LEFT;
      return this.left + (Math.min(Math.max(inside / this.width, 0), 1)) * (this.right - this.left);
    };
    this.svg.onpointerdown = (event) => {
      start = { x: event.clientX, at: at(event) };
      view.at = start.at;
      this.changed(false);
      this.svg.setPointerCapture(event.pointerId);
    };
    this.svg.onpointermove = (event) => {
      view.at = at(event);
      if (start) {
        const [a, b] = [this.x(start.at), this.x(view.at)];
        this.band.setAttribute("x", Math.min(a, b));
        this.band.setAttribute("width", Math.abs(a - b));
      }
      this.changed(false);
    };
    this.svg.onpointerup = (event) => {
      if (start && Math.abs(event.clientX - start.x) > DRAG) this.zoom(...[start.at, at(event)].sort((a, b) => a - b));
      start = null;
    };
    this.svg.onpointercancel = () => { start = null; this.band.setAttribute("width", 0); };
    this.svg.onpointerleave = (event) => {
      if (event.pointerType !== "mouse") return; // a finger that was lifted leaves the reading where it was
      view.at = null;
      this.changed(false);
    };
    this.svg.ondblclick = () => this.zoom(-Infinity, Infinity);
    this.svg.onkeydown = (event) => this.key(event);
  }

  zoom(from, to) {
    [view.from, view.to] = [from, to];
    this.changed(true);
  }

  key(event) {
    const reach = (this.right - this.left) / 4, middle = view.at ?? (this.left + this.right) / 2;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowLeft" ? -1 : 1);
    else if (event.key === "+") this.zoom(middle - reach, middle + reach);
    else if (event.key === "-") this.zoom(middle - 4 * reach, middle + 4 * reach);
    else if (event.key === "Escape") { view.at = null; this.zoom(-Infinity, Infinity); }
    else return;
    event.preventDefault();
    document.getElementById("spoken").textContent = this.spoken();
  }

  // To the point before or after, of the first curve that is seen.
  step(by) {
    const [curve] = this.seen();
    if (!curve) return;
    const xs = curve[view.by], from = view.at === null ? xs.length : nearest(xs, view.at);
    view.at = xs[Math.min(Math.max(from + by, 0), xs.length - 1)];
    this.changed(false);
  }
}
