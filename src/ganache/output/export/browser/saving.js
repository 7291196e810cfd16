// Saving: the picture, and the request and the command with which ganache makes it again.

import { element } from "./controls.js";
import { isChanged } from "./latents.js";
import { enlarged } from "./paint.js";

const MIN_SIDE = 512; // pixels on the shorter side of a saved picture

// Save the picture as it is, or enlarged as the screen shows it.
export function savePicture(canvas, smooth, name, large = true) {
  const times = large ? Math.max(1, Math.ceil(MIN_SIDE / Math.min(canvas.width, canvas.height))) : 1;
  enlarged(canvas, times, smooth).toBlob((blob) => download(blob, `${name}.png`), "image/png");
}

// Return the request for the same picture, for `ganache render RUN request.json`.
export function requestOf(state, about) {
  const end = about.prior.noise + about.prior.categories;
  const codes = Object.entries(state.codes).map(([number, value]) => [`code${number - end + 1}`, value]);
  const set = [...Object.entries(state.dimensions).map(([number, value]) => [Number(number), value]), ...codes];
  const along = about.directions.filter(({ key }) => state.along[key]);
  return {
    kind: "picture",
    points: [state.kept || state.seed],
    dimensions: set.map(([dimension]) => dimension),
    values: set.map(([, value]) => value),
    directions: along.map(({ known }) => known),
    steps: along.map(({ key }) => state.along[key]),
    mean: state.mean,
    std: state.std,
    classes: state.category === null ? [] : [state.category],
    ...(about.styles ? stylesOf(state, about, along) : {}),
  };
}

function stylesOf(state, { styles }, along) {
  const mixed = Object.values(state.mix);
  const limited = along.some(({ key }) => key in state.ranges);
  return {
    space: "w",
    layers: limited ? along.flatMap(({ key }) => state.ranges[key] ?? [0, styles.layers - 1]) : [],
    mixed: mixed.map(({ seed }) => seed),
    mixed_layers: mixed.flatMap(({ layers }) => layers),
    cutoff: state.cutoff,
  };
}

// Return the command for the same picture: the request's fields as options, without those at their defaults.
export function commandFor(state, about) {
  const { kind, ...fields } = requestOf(state, about);
  const words = ["ganache", kind, "RUN"];
  for (const [name, value] of Object.entries(fields)) {
    const many = [value].flat();
    const fallback = { mean: 0, std: 1, cutoff: 0 }[name];
    if (many.length && value !== fallback) words.push(`--${name.replace("_", "-")}`, ...many);
  }
  return words.join(" ");
}

export function saveRequest(state, about, name) {
  const text = JSON.stringify(requestOf(state, about), null, 2);
  download(new Blob([text], { type: "application/json" }), `${name}.json`);
}

export function nameOf(state) {
  const base = state.kept || `seed${state.seed}`;
  return isChanged(state) ? `${base}-changed` : base;
}

function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
