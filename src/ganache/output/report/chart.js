"use strict";
// A plot of several curves as SVG. Its legend shows their values at the pointer, or their last values.

const HEIGHT = 220, LEFT = 50, RIGHT = 10, TOP = 8, BOTTOM = 22;
const DASHES = ["none", "6 3", "2 3", "9 3 2 3", "14 4"];
const MAX_DOTS = 60; // curves with at most this many points show them as dots
const MIN_DRAG = 8; // pixels; a shorter movement is a click

// The state that all charts share. `by`: the unit of the horizontal axis; `from`, `to`: the visible part of it; `smooth`:
// the smoothing window as a share of the points; `at`: where the reader points, or null; `hidden`: the hidden runs.
const view = { by: "step", from: -Infinity, to: Infinity, smooth: 0, at: null, hidden: new Set() };

function element(tag, properties = {}, ...children) {
  const created = Object.assign(document.createElement(tag), properties);
  created.append(...children);
  return created;
}

function svgElement(tag, attributes = {}, parent = null) {
  const created = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) created.setAttribute(name, value);
  if (parent) parent.append(created);
  return created;
}

function formatNumber(value) {
  if (value === 0) return "0";
  if (Math.abs(value) < 1e-4) return value.toExponential(1);
  const compact = Math.abs(value) >= 1e5 ? "compact" : "standard";
  return new Intl.NumberFormat(document.documentElement.lang || "en", { notation: compact, maximumSignificantDigits: 4 }).format(value);
}

// About `most` round numbers between low and high.
function ticks(low, high, most) {
  const rough = (high - low) / most, ten = 10 ** Math.floor(Math.log10(rough));
  const step = ten * [1, 2, 5, 10].find((each) => each * ten >= rough);
  const values = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) values.push(k * step);
  return values;
}

// The same for a logarithmic axis; low and high are exponents of ten.
function decades(low, high) {
  const whole = ticks(low, high, 5).filter(Number.isInteger).map((each) => 10 ** each);
  return whole.length > 1 ? whole : ticks(10 ** low, 10 ** high, 4).filter((each) => each > 0);
}

// A centred running mean; the window is a share of all points.
function smoothed(values, share) {
  const radius = Math.round((share * values.length) / 2);
  if (radius < 1) return values;
  const sums = [0];
  for (const value of values) sums.push(sums[sums.length - 1] + value);
  return values.map((_, k) => {
    const first = Math.max(0, k - radius), last = Math.min(values.length, k + radius + 1);
    return (sums[last] - sums[first]) / (last - first);
  });
}

// The index of the value nearest to `wanted`; `values` ascend.
function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low > 0 && wanted - values[low - 1] <= values[low] - wanted ? low - 1 : low;
}

class Chart {
  // `data`: title, description, logarithmic and series, as the report writes them; `extent`: unit -> both ends of the
  // horizontal axis; `changed`: called when the shared view has changed.
  constructor(data, runs, extent, changed) {
    this.extent = extent;
    this.changed = changed;
    this.title = data.title;
    this.logarithmic = data.logarithmic;
    const names = [...new Set(data.series.map((each) => each.name))];
    this.curves = data.series.map((each) => ({
      ...each,
      label: runs.length > 1 ? `${runs[each.run]} · ${each.name}` : each.name,
      colour: `r${(runs.length > 1 ? each.run : names.indexOf(each.name)) % 8}`,
      dash: DASHES[(runs.length > 1 ? names.indexOf(each.name) : 0) % DASHES.length],
      chosen: true,
    }));
    this.build(data);
  }

  // Take over new data of the same curves; what the reader has chosen stays.
  update(series, extent) {
    this.extent = extent;
    this.curves.forEach((curve, k) => Object.assign(curve, series[k]));
  }

  build({ title, description }) {
    this.logButton = element("button", { type: "button", textContent: "log", title: "Logarithmic axis" });
    this.logButton.setAttribute("aria-label", `${title}: logarithmic axis`);
    this.logButton.onclick = () => { this.logarithmic = !this.logarithmic; this.draw(); };
    this.reading = element("span", { className: "soft" });
    this.svg = svgElement("svg", { role: "img", tabindex: "0", "aria-label": `${title}, curves` });
    this.legend = element("div", { className: "legend" });
    for (const curve of this.curves) this.legend.append(this.legendEntry(curve));
    const heading = element("h3", {}, element("span", { textContent: title }), this.reading, this.logButton);
    const text = element("p", { className: "soft", textContent: description });
    this.box = element("div", { className: "chart" }, heading, text, this.svg, this.legend);
    this.listen();
  }

  legendEntry(curve) {
    const sample = svgElement("svg", { class: curve.colour, viewBox: "0 0 26 10", "aria-hidden": "true" });
    svgElement("path", { d: "M0 5H26", "stroke-dasharray": curve.dash }, sample);
    curve.value = element("b");
    curve.button = element("button", { type: "button" }, sample, curve.label, curve.value);
    curve.button.onclick = () => { curve.chosen = !curve.chosen; this.draw(); };
    return curve.button;
  }

  visibleCurves() {
    return this.curves.filter((curve) => curve.chosen && !view.hidden.has(curve.run));
  }

  draw() {
    this.width = Math.max(200, this.box.clientWidth) - LEFT - RIGHT;
    this.height = HEIGHT - TOP - BOTTOM;
    this.svg.setAttribute("viewBox", `0 0 ${this.width + LEFT + RIGHT} ${HEIGHT}`);
    this.svg.replaceChildren();
    this.logButton.setAttribute("aria-pressed", this.logarithmic);
    const [first, last] = this.extent[view.by];
    this.left = Math.max(view.from, first);
    this.right = Math.max(Math.min(view.to, last), this.left + 1e-9);
    const lines = this.visibleCurves().map((curve) => this.within(curve));
    this.setRange(lines.flatMap((each) => each.ys));
    this.drawAxes();
    // A nested svg clips what lies outside the plot.
    this.plot = svgElement("svg", { x: LEFT, y: TOP, width: this.width, height: this.height }, this.svg);
    for (const each of lines) this.drawLine(each);
    this.band = svgElement("rect", { class: "band", y: 0, height: this.height, width: 0 }, this.plot);
    this.cursor = svgElement("line", { class: "cursor", y1: 0, y2: this.height, visibility: "hidden" }, this.plot);
    this.showReading();
  }

  // The visible part of a curve and one more point at either end: smoothed values `ys`, and the `raw` ones if they differ.
  within(curve) {
    const xs = curve[view.by], first = xs.findIndex((x) => x >= this.left);
    const beyond = xs.findIndex((x) => x > this.right);
    const part = [Math.max(0, (first < 0 ? xs.length : first) - 1), beyond < 0 ? xs.length : beyond + 1];
    const smooth = smoothed(curve.y, view.smooth), raw = smooth === curve.y ? null : curve.y.slice(...part);
    return { curve, xs: xs.slice(...part), ys: smooth.slice(...part), raw };
  }

  setRange(values) {
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

  drawAxes() {
    for (const value of this.logarithmic ? decades(this.low, this.high) : ticks(this.low, this.high, 6)) {
      const y = this.y(value) + TOP;
      if (y < TOP || y > TOP + this.height) continue;
      svgElement("line", { class: "grid", x1: LEFT, x2: LEFT + this.width, y1: y, y2: y }, this.svg);
      svgElement("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, this.svg).textContent = formatNumber(value);
    }
    for (const value of ticks(this.left, this.right, Math.max(3, this.width / 80))) {
      const x = this.x(value) + LEFT;
      svgElement("text", { x, y: HEIGHT - 5, "text-anchor": "middle" }, this.svg).textContent = formatNumber(value);
    }
  }

  drawLine({ curve, xs, ys, raw }) {
    const group = svgElement("g", { class: curve.colour }, this.plot);
    const path = (values) => {
      const drawn = xs.map((x, k) => [x, values[k]]).filter(([, y]) => !this.logarithmic || y > 0);
      return drawn.map(([x, y], k) => `${k ? "L" : "M"}${this.x(x).toFixed(1)} ${this.y(y).toFixed(1)}`).join("");
    };
    if (raw) svgElement("path", { class: "raw", d: path(raw) }, group);
    svgElement("path", { d: path(ys), "stroke-dasharray": curve.dash }, group);
    if (raw || xs.length > MAX_DOTS) return;
    xs.forEach((x, k) => {
      if (!this.logarithmic || ys[k] > 0) svgElement("circle", { cx: this.x(x), cy: this.y(ys[k]), r: 2.2 }, group);
    });
  }

  // Move the cursor to where the reader points, and write the values there, or the last ones, into the legend.
  showReading() {
    const at = view.at ?? this.right;
    this.cursor.setAttribute("visibility", view.at === null ? "hidden" : "visible");
    this.cursor.setAttribute("x1", this.x(at));
    this.cursor.setAttribute("x2", this.x(at));
    const visible = this.visibleCurves();
    for (const curve of this.curves) {
      curve.button.setAttribute("aria-pressed", visible.includes(curve));
      curve.value.textContent = formatNumber(curve.y[nearest(curve[view.by], at)]);
    }
    const nearby = visible.map((curve) => curve[view.by][nearest(curve[view.by], at)]);
    const unit = { step: "step", images: "pictures", minutes: "minute" }[view.by];
    this.reading.textContent = nearby.length ? `${unit} ${formatNumber(nearby[0])}` : "";
  }

  // What is read at the cursor, in words, as parts of a sentence.
  describe() {
    const values = this.visibleCurves().flatMap((curve, k) => [k ? ", " : ": ", curve.label, ` ${curve.value.textContent}`]);
    return [this.title, ", ", this.reading.textContent, ...values];
  }

  // ---- input ---------------------------------------------------------------------------------------------------------

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
      if (start && Math.abs(event.clientX - start.x) > MIN_DRAG) this.zoom(...[start.at, at(event)].sort((a, b) => a - b));
      start = null;
    };
    this.svg.onpointercancel = () => { start = null; this.band.setAttribute("width", 0); };
    this.svg.onpointerleave = (event) => {
      if (event.pointerType !== "mouse") return; // after a touch the reading stays where the finger was
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
    const quarter = (this.right - this.left) / 4, middle = view.at ?? (this.left + this.right) / 2;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.step(event.key === "ArrowLeft" ? -1 : 1);
    else if (event.key === "+") this.zoom(middle - quarter, middle + quarter);
    else if (event.key === "-") this.zoom(middle - 4 * quarter, middle + 4 * quarter);
    else if (event.key === "Escape") { view.at = null; this.zoom(-Infinity, Infinity); }
    else return;
    event.preventDefault();
    document.getElementById("spoken").replaceChildren(...this.describe());
  }

  // Move the reading to the previous or next point of the first visible curve.
  step(by) {
    const [curve] = this.visibleCurves();
    if (!curve) return;
    const xs = curve[view.by], from = view.at === null ? xs.length : nearest(xs, view.at);
    view.at = xs[Math.min(Math.max(from + by, 0), xs.length - 1)];
    this.changed(false);
  }
}
