// What can be taken away: the picture, and how ganache makes it again.

import { element } from "./knobs.js";
import { inOneRow, isMoved, latentOf } from "./latents.js";
import { enlarged } from "./paint.js";

const LEAST = 512; // pixels on the shorter side of a saved picture

export function savePicture(canvas, smooth, name) {
  const times = Math.max(1, Math.ceil(LEAST / Math.min(canvas.width, canvas.height)));
  enlarged(canvas, times, smooth).toBlob((blob) => download(blob, `${name}.png`), "image/png");
}

// A request for `ganache render RUN request.json`: the one latent, number by number.
export function requestOf(state, about) {
  const vector = inOneRow(latentOf(state, about), about.prior);
  const dimension = about.dimensions.length ? about.dimensions[0].number : 0;
  return { kind: "traverse", dimension, values: [vector[dimension]], points: [{ vector }] };
}

export function saveRequest(state, about, name) {
  const text = JSON.stringify(requestOf(state, about), null, 2);
  download(new Blob([text], { type: "application/json" }), `${name}.json`);
}

// The command that makes the same picture.
export function commandFor(state, about, name) {
  if (isMoved(state) || state.kept) return `ganache render RUN ${name}.json`;
  const parts = ["ganache sample RUN -n 1", `--seed ${state.seed}`];
  if (state.mean) parts.push(`--mean ${state.mean}`);
  if (state.std !== 1) parts.push(`--std ${state.std}`);
  if (state.category !== null) parts.push(`--classes ${state.category}`);
  return parts.join(" ");
}

export function nameOf(state) {
  const base = state.kept || `seed${state.seed}`;
  return isMoved(state) ? `${base}-changed` : base;
}

function download(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
