// Figures of experiments as elements: grids with labels, animations that play, scatter plots.

import { decode, make, put } from "./draw.js";
import { markMore } from "./more.js";

/** Show a figure in `place`; `onpick(row, column, part)` is called when an image of a grid is clicked. */
export async function showFigure(place, { header, blobs }, onpick) {
  const bitmaps = await Promise.all(blobs.map(decode));
  const parts = [];
  for (const part of header.groups.flat()) {
    const bitmap = bitmaps[part.blob];
    if (header.animation) parts.push(animation(part, bitmap, header.animation));
    else if (part.scatter) parts.push(scatterPlot(part, bitmap, header.title));
    else parts.push(grid(part, bitmap, onpick));
  }
  place.replaceChildren(make("p", { class: "hint" }, header.title), ...parts);
}

function withHeading(part, element) {
  return make("figure", { class: "part" }, part.heading ? make("figcaption", {}, part.heading) : null, element);
}

function scatterPlot(part, bitmap, title) {
  const canvas = make("canvas", { class: "cloud", role: "img", "aria-label": title });
  [canvas.width, canvas.height] = part.size;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return withHeading(part, canvas);
}

function grid(part, bitmap, onpick) {
  const { columns, count, column_labels: columnLabels, row_labels: rowLabels, captions } = part;
  const table = make("table", { class: rowLabels.length ? "sheet captioned" : "sheet" });
  table.style.setProperty("--columns", columns);
  if (columnLabels.length) {
    const heads = columnLabels.map((label) => make("th", { scope: "col" }, label));
    table.append(make("tr", {}, rowLabels.length ? make("td") : null, ...heads));
  }
  for (let row = 0; row * columns < count; row++) {
    const line = make("tr");
    if (rowLabels.length) line.append(make("th", { scope: "row" }, rowLabels[row] ?? ""));
    for (let column = 0; column < columns && row * columns + column < count; column++) {
      const index = row * columns + column;
      const canvas = make("canvas", { "aria-hidden": "true" });
      put(canvas, bitmap, part, index);
      const label = [rowLabels[row], columnLabels[column]].filter(Boolean).join(", ");
      const image = onpick
        ? make("button", { class: "thumb", "aria-label": label || `picture ${index + 1}`, title: label, onclick: () => onpick(row, column, part) }, canvas)
        : canvas;
      line.append(make("td", {}, image, captions[index] ? make("small", {}, captions[index]) : null));
    }
    table.append(line);
  }
  const scroll = make("div", { class: "scroll", tabindex: onpick ? null : 0 }, table);
  markMore(scroll);
  return withHeading(part, scroll);
}

function animation(part, bitmap, { frames_per_segment: framesPerSegment, fps, waypoints }) {
  const canvas = make("canvas", { class: "film", role: "img", "aria-label": "A walk through latents" });
  const caption = make("span", { class: "hint" });
  const start = performance.now();
  const tick = (now) => {
    if (now > start + 500 && !canvas.isConnected) return;
    const frame = Math.max(0, Math.floor(((now - start) * fps) / 1000) % part.count);
    put(canvas, bitmap, part, frame);
    const segment = Math.min(Math.floor(frame / framesPerSegment), waypoints.length - 2);
    caption.textContent = `${waypoints[segment]} to ${waypoints[segment + 1]}`;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  return withHeading(part, make("div", {}, canvas, caption));
}
