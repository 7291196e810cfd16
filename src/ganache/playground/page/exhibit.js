// What the lab shows -> elements: sheets with captions, films that play, drawn plots.

import { decode, make, put } from "./draw.js";

/** Fill `place` with an exhibit; `onpick(row, column, part)` is called for a picture that is clicked. */
export async function exhibit(place, { header, blobs }, onpick) {
  const bitmaps = await Promise.all(blobs.map(decode));
  const parts = [];
  for (const part of header.groups.flat()) {
    const bitmap = bitmaps[part.blob];
    if (header.film) parts.push(film(part, bitmap, header.film));
    else if (part.cloud) parts.push(cloud(part, bitmap, header.title));
    else parts.push(sheet(part, bitmap, onpick));
  }
  place.replaceChildren(make("p", { class: "hint" }, header.title), ...parts);
}

function headed(part, element) {
  return make("figure", { class: "part" }, part.heading ? make("figcaption", {}, part.heading) : null, element);
}

function cloud(part, bitmap, title) {
  const canvas = make("canvas", { class: "cloud", role: "img", "aria-label": title });
  [canvas.width, canvas.height] = part.size;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return headed(part, canvas);
}

function sheet(part, bitmap, onpick) {
  const { columns, count, over, beside, below } = part;
  const table = make("table", { class: beside.length ? "sheet captioned" : "sheet" });
  table.style.setProperty("--columns", columns);
  if (over.length) {
    const heads = over.map((words) => make("th", { scope: "col" }, words));
    table.append(make("tr", {}, beside.length ? make("td") : null, ...heads));
  }
  for (let row = 0; row * columns < count; row++) {
    const line = make("tr");
    if (beside.length) line.append(make("th", { scope: "row" }, beside[row] ?? ""));
    for (let column = 0; column < columns && row * columns + column < count; column++) {
      const place = row * columns + column;
      const canvas = make("canvas", { "aria-hidden": "true" });
      put(canvas, bitmap, part, place);
      const words = [beside[row], over[column]].filter(Boolean).join(", ");
      const held = onpick
        ? make("button", { class: "thumb", "aria-label": words || `picture ${place + 1}`, title: words, onclick: () => onpick(row, column, part) }, canvas)
        : canvas;
      line.append(make("td", {}, held, below[place] ? make("small", {}, below[place]) : null));
    }
    table.append(line);
  }
  return headed(part, make("div", { class: "scroll" }, table));
}

function film(part, bitmap, { frames, fps, stops }) {
  const canvas = make("canvas", { class: "film", role: "img", "aria-label": "A walk through latents" });
  const told = make("span", { class: "hint" });
  const start = performance.now();
  const tick = (now) => {
    if (now > start + 500 && !canvas.isConnected) return;
    const frame = Math.floor(((now - start) * fps) / 1000) % part.count;
    put(canvas, bitmap, part, Math.max(0, frame));
    const leg = Math.min(Math.floor(Math.max(0, frame) / frames), stops.length - 2);
    told.textContent = `${stops[leg]} to ${stops[leg + 1]}`;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  return headed(part, make("div", {}, canvas, told));
}
