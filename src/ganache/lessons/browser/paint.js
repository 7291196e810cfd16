// Drawing of scenes on canvases: points, the critic's surface, arrows, nets, paths, lines and histograms.

const TOP = 0.98; // quantiles of the critic's scores between which the colours of the surface lie
const REACH = 0.3; // length of the longest arrow, as a share of the picture's half

/** Colours of the palette, which may change while the page is open. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  const names = ["ink", "soft", "line", "sheet", "real", "fake", "high", "low", "accent"];
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Make a canvas as sharp as the screen; return its context in CSS pixels, and its size. */
export function prepared(canvas) {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height, ink: colours() };
}

/** Map of a square [-limit, limit]^2 to a canvas. */
function plane({ width, height }, limit) {
  const side = Math.min(width, height);
  const x = (value) => width / 2 + (value / limit) * (side / 2);
  const y = (value) => height / 2 - (value / limit) * (side / 2);
  return { x, y, side, unit: side / 2 / limit };
}

export const LIMIT = 1.5;

export function paintPlane(canvas, frame, drawn = null) {
  const paper = prepared(canvas);
  const at = plane(paper, LIMIT);
  const { surface, real, points, arrows, mesh, latents } = frame.arrays;
  if (surface) paintSurface(paper, at, surface);
  if (mesh) paintMesh(paper, at, mesh);
  if (real) paintPoints(paper, at, real.values, paper.ink.real, 2, 0.55);
  if (points) paintPoints(paper, at, points.values, paper.ink.fake, 2.4, 0.85);
  if (arrows) paintArrows(paper, at, arrows.values, paper.ink.ink);
  if (latents) paintLatents(paper, at, latents.values);
  if (drawn) paintPoints(paper, at, drawn.flat(), paper.ink.accent, 3, 1);
}

function paintSurface({ pen, ink }, { x, y, side }, { shape, values }) {
  const sorted = Float32Array.from(values).sort();
  const last = sorted.length - 1;
  const [low, high] = [sorted[Math.round((1 - TOP) * last)], sorted[Math.round(TOP * last)]];
  const [cold, warm] = [rgb(ink.low), rgb(ink.high)];
  const [rows, columns] = shape;
  const small = new OffscreenCanvas(columns, rows);
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const share = Math.min(1, Math.max(0, (values[row * columns + column] - low) / (high - low || 1)));
      const place = 4 * ((rows - 1 - row) * columns + column);
      for (let channel = 0; channel < 3; channel++) image.data[place + channel] = cold[channel] + share * (warm[channel] - cold[channel]);
      image.data[place + 3] = 255;
    }
  }
  small.getContext("2d").putImageData(image, 0, 0);
  pen.imageSmoothingEnabled = true;
  pen.drawImage(small, x(-LIMIT), y(LIMIT), side, side);
}

/** The three numbers of a colour #rrggbb. */
function rgb(colour) {
  return [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));
}

function paintPoints({ pen }, { x, y }, values, colour, radius, opacity, edge = 0.99 * LIMIT) {
  pen.fillStyle = colour;
  pen.globalAlpha = opacity;
  for (let k = 0; k + 1 < values.length; k += 2) {
    const [a, b] = [values[k], values[k + 1]].map((value) => Math.min(edge, Math.max(-edge, value)));
    pen.beginPath();
    pen.arc(x(a), y(b), radius, 0, 2 * Math.PI);
    pen.fill();
  }
  pen.globalAlpha = 1;
}

/** Arrows [N, 4]: place and direction. Lengths are drawn by their square root, so that small ones are seen. */
function paintArrows({ pen }, { x, y, side }, values, colour) {
  pen.strokeStyle = pen.fillStyle = colour;
  pen.globalAlpha = 0.75;
  pen.lineWidth = 1.2;
  for (let k = 0; k + 3 < values.length; k += 4) {
    const length = Math.hypot(values[k + 2], values[k + 3]);
    const drawn = (Math.min(1, Math.sqrt(length)) * REACH * side) / 2;
    if (drawn < 1) continue;
    arrow(pen, x(values[k]), y(values[k + 1]), (drawn * values[k + 2]) / length, (-drawn * values[k + 3]) / length);
  }
  pen.globalAlpha = 1;
}

function arrow(pen, x, y, along, down) {
  const length = Math.hypot(along, down);
  const head = Math.min(5, length / 2.5);
  const [u, v] = [along / length, down / length];
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + along, y + down);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(x + along, y + down);
  pen.lineTo(x + along - head * (u + 0.5 * v), y + down - head * (v - 0.5 * u));
  pen.lineTo(x + along - head * (u - 0.5 * v), y + down - head * (v + 0.5 * u));
  pen.fill();
}

function paintMesh({ pen, ink }, { x, y }, { shape, values }) {
  const [rows, columns] = shape;
  pen.strokeStyle = ink.soft;
  pen.globalAlpha = 0.6;
  pen.lineWidth = 1;
  const line = (places) => {
    pen.beginPath();
    for (const place of places) pen.lineTo(x(values[2 * place]), y(values[2 * place + 1]));
    pen.stroke();
  };
  for (let row = 0; row < rows; row++) line([...Array(columns).keys()].map((column) => row * columns + column));
  for (let column = 0; column < columns; column++) line([...Array(rows).keys()].map((row) => row * columns + column));
  pen.globalAlpha = 1;
}

const REACH_OF_NET = 2.4; // the net lies in [-REACH_OF_NET, REACH_OF_NET]^2
const LINES_OF_NET = 13;

/** In the corner: the latents before the generator moves them, with the same net while it is flat. */
function paintLatents(paper, { x, y, side }, values) {
  const { pen, ink } = paper;
  const half = 0.11 * side;
  const [left, top] = [x(-LIMIT) + half + 6, y(LIMIT) + half + 6];
  const inset = { x: (value) => left + (value / REACH_OF_NET) * half, y: (value) => top - (value / REACH_OF_NET) * half };
  pen.fillStyle = ink.sheet;
  pen.fillRect(left - half - 4, top - half - 4, 2 * half + 8, 2 * half + 8);
  const ticks = [...Array(LINES_OF_NET).keys()].map((k) => ((2 * k) / (LINES_OF_NET - 1) - 1) * REACH_OF_NET);
  const rows = values.some((value, k) => k % 2 && value) ? ticks : [0]; // a latent of one number has a line for a net
  const net = ticks.flatMap((a) => rows.flatMap((b) => [a, b]));
  paintMesh(paper, inset, { shape: [LINES_OF_NET, rows.length], values: net });
  paintPoints(paper, inset, values, ink.fake, 1.3, 0.85, 0.99 * REACH_OF_NET);
}

export const DIRAC_LIMIT = 2.4;

export function paintDirac(canvas, frame) {
  const paper = prepared(canvas);
  const { pen, ink } = paper;
  const at = plane(paper, DIRAC_LIMIT);
  pen.strokeStyle = ink.line;
  pen.beginPath();
  pen.moveTo(at.x(-DIRAC_LIMIT), at.y(0)), pen.lineTo(at.x(DIRAC_LIMIT), at.y(0));
  pen.moveTo(at.x(0), at.y(-DIRAC_LIMIT)), pen.lineTo(at.x(0), at.y(DIRAC_LIMIT));
  pen.stroke();
  const { field, path } = frame.arrays;
  const scaled = Float32Array.from(field.values);
  for (let k = 0; k < scaled.length; k += 4) {
    const length = Math.hypot(scaled[k + 2], scaled[k + 3]) || 1;
    const wanted = Math.min(0.3, 0.18 * length) ** 2 / length; // shown by the square root
    scaled[k + 2] *= wanted;
    scaled[k + 3] *= wanted;
  }
  paintArrows(paper, at, scaled, ink.soft);
  pen.strokeStyle = ink.fake;
  pen.lineWidth = 1.6;
  pen.beginPath();
  for (let k = 0; k < path.values.length; k += 2) pen.lineTo(at.x(path.values[k]), at.y(path.values[k + 1]));
  pen.stroke();
  dot(pen, at.x(0), at.y(0), 5, ink.real);
  dot(pen, at.x(path.values.at(-2)), at.y(path.values.at(-1)), 6, ink.fake);
  pen.fillStyle = ink.soft;
  pen.font = "13px system-ui, sans-serif";
  pen.fillText("θ", at.x(DIRAC_LIMIT) - 14, at.y(0) - 6);
  pen.fillText("ψ", at.x(0) + 6, at.y(DIRAC_LIMIT) + 14);
}

function dot(pen, x, y, radius, colour) {
  pen.fillStyle = colour;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}

const DISTANCES = ["earth_mover", "jensen_shannon", "kullback_leibler", "total_variation"];
const SHORT = ["EM", "JS", "KL", "TV"];
export const LINES_LIMIT = 1.15;

/** Both lines above, and below each distance over t, with its value at the present t. */
export function paintLines(canvas, frame) {
  const { pen, width, height, ink } = prepared(canvas);
  const { t } = frame.numbers;
  const { shape, values } = frame.arrays.curves;
  const x = (value) => width / 2 + (value / LINES_LIMIT) * (width / 2);
  const top = 0.5 * height;
  for (const [place, colour] of [[0, ink.real], [t, ink.fake]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = 5;
    pen.lineCap = "round";
    pen.beginPath();
    pen.moveTo(x(place), 12), pen.lineTo(x(place), top - 26);
    pen.stroke();
  }
  pen.font = "13px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.fillStyle = ink.soft;
  pen.fillText(`t = ${t.toFixed(2)}`, x(t), top - 6);
  const cell = width / DISTANCES.length;
  const [ticks, most] = [shape[1], 1.1];
  const y = (value) => height - 24 - Math.min(value, most) * ((height - top - 52) / most);
  DISTANCES.forEach((name, place) => {
    const at = (share) => place * cell + 12 + share * (cell - 24);
    const known = frame.numbers[name];
    pen.strokeStyle = ink.line;
    pen.lineWidth = 1;
    pen.strokeRect(at(0), top + 22, cell - 24, height - top - 46);
    pen.fillStyle = ink.ink;
    pen.fillText(`${SHORT[place]} = ${known === undefined ? "∞" : known.toFixed(2)}`, at(0.5), top + 14);
    pen.strokeStyle = ink.soft;
    pen.lineWidth = 1.6;
    pen.beginPath();
    for (let k = 0; k < ticks; k++) {
      const value = values[place * ticks + k];
      const infinite = name === "kullback_leibler" && k !== (ticks - 1) / 2;
      const [a, b] = [at(k / (ticks - 1)), y(infinite ? most : value)];
      if (Math.abs(k - (ticks - 1) / 2) <= 1 && name !== "earth_mover") pen.moveTo(a, b);
      else pen.lineTo(a, b);
    }
    pen.stroke();
    dot(pen, at((t + 1) / 2), y(known ?? most), 4.5, ink.fake);
  });
  pen.textAlign = "left";
}

/** Bars of a histogram, with the numbers at its two ends. */
export function paintBars(canvas, { values }, ends) {
  const { pen, width, height, ink } = prepared(canvas);
  const most = Math.max(...values, 1);
  const step = width / values.length;
  pen.fillStyle = ink.fake;
  values.forEach((value, k) => {
    const tall = Math.sqrt(value / most) * (height - 20);
    pen.fillRect(k * step + 0.5, height - 16 - tall, step - 1, tall);
  });
  pen.fillStyle = ink.soft;
  pen.font = "11px system-ui, sans-serif";
  pen.fillText(ends[0], 2, height - 3);
  pen.textAlign = "right";
  pen.fillText(ends[1], width - 2, height - 3);
  pen.textAlign = "left";
}
