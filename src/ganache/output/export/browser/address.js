// Conversion between the state and the part of the address after #, so that a link reproduces the picture.

import { initialState } from "./latents.js";
import { BANDS } from "./layers.js";

export const LARGEST_SEED = 2 ** 32 - 1;

export function toAddress(state) {
  const parts = new URLSearchParams();
  if (state.kept) parts.set("kept", state.kept);
  else parts.set("seed", state.seed);
  if (state.mean) parts.set("mean", shortest(state.mean));
  if (state.std !== 1) parts.set("std", shortest(state.std));
  if (state.category !== null) parts.set("class", state.category);
  for (const changes of [state.dimensions, state.codes]) {
    for (const [number, value] of Object.entries(changes)) parts.set(`d${number}`, shortest(value));
  }
  for (const [key, steps] of Object.entries(state.along)) parts.set(key, shortest(steps));
  if (state.cutoff) parts.set("cutoff", state.cutoff);
  for (const [band, { seed, layers }] of Object.entries(state.mix)) parts.set(`mix-${band}`, [seed, ...layers].join("-"));
  for (const [key, layers] of Object.entries(state.ranges)) parts.set(`layers-${key}`, layers.join("-"));
  return `#${parts}`;
}

// Parts that cannot be read are ignored.
export function fromAddress(hash, about) {
  const state = initialState();
  const { prior } = about;
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const number = (key, low, high) => {
    const value = parts.has(key) && parts.get(key).trim() !== "" ? Number(parts.get(key)) : NaN;
    return value >= low && value <= high ? value : undefined;
  };
  state.seed = Math.trunc(number("seed", 0, LARGEST_SEED) ?? 0);
  state.mean = number("mean", -100, 100) ?? 0;
  state.std = number("std", 0, 100) ?? 1;
  if (prior.categories) state.category = Math.trunc(number("class", 0, prior.categories - 0.5) ?? -1);
  if (!(state.category >= 0)) state.category = null;
  if (about.kept.some((each) => each.name === parts.get("kept"))) state.kept = parts.get("kept");
  const first = prior.noise + prior.categories;
  for (let each = 0; each < first + prior.continuous; each++) {
    const value = number(`d${each}`, -100, 100);
    if (value === undefined || (each >= prior.noise && each < first)) continue;
    (each < first ? state.dimensions : state.codes)[each] = value;
  }
  for (const { key } of about.directions) {
    const steps = number(key, -100, 100);
    if (steps) state.along[key] = steps;
  }
  if (about.styles) readStyles(state, parts, about);
  return state;
}

function readStyles(state, parts, { styles, directions }) {
  const whole = (text) => (text ?? "").split("-").map(Number);
  const fits = ([first, last]) => Number.isInteger(first) && Number.isInteger(last) && 0 <= first && first <= last && last < styles.layers;
  const [cutoff] = whole(parts.get("cutoff"));
  if (Number.isInteger(cutoff) && cutoff > 0 && cutoff < styles.layers) state.cutoff = cutoff;
  for (const band of BANDS) {
    const [seed, ...layers] = whole(parts.get(`mix-${band}`));
    if (Number.isInteger(seed) && seed >= 0 && seed <= LARGEST_SEED && fits(layers)) state.mix[band] = { seed, layers };
  }
  for (const { key } of directions) {
    const layers = whole(parts.get(`layers-${key}`));
    if (fits(layers)) state.ranges[key] = layers;
  }
}

function shortest(value) {
  return String(Number(value.toFixed(4)));
}
