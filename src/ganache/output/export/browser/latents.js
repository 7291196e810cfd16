// The state of the page as plain data, and the latent that it stands for.

import { Twister } from "./random.js";

// seed          0 to 2^32 - 1
// mean, std     of the seed's latent
// category      a number, or null for the category that the seed draws
// kept          the name of a saved latent that replaces the seed, or ""
// dimensions    number -> value
// codes         number -> value
// along         key of a direction -> steps
//
// Of a style-based generator, whose std is psi, how far w is from its mean:
// cutoff        number of layers that psi moves, 0 for all
// mix           band of layers -> { seed, layers: [first, last] }
// ranges        key of a direction -> the first and the last layer that it moves
export function initialState() {
  const changes = { dimensions: {}, codes: {}, along: {}, mix: {}, ranges: {} };
  return { seed: 0, mean: 0, std: 1, cutoff: 0, category: null, kept: "", ...changes };
}

// Return the latent of a seed, { z, category, codes }, as ganache's Prior.sample draws it. A given category (not null) is
// not drawn, which changes the codes.
export function ofSeed(seed, mean, std, prior, given = null) {
  const twister = new Twister(seed);
  const spread = std * prior.std;
  const unit =
    prior.kind === "uniform"
      ? Float32Array.from({ length: prior.noise }, () => twister.uniform() * 2 - 1)
      : twister.normals(prior.noise);
  const z = unit.map((each) => mean + spread * each);
  const category = given ?? (prior.categories ? twister.below(prior.categories) : 0);
  const codes = Float32Array.from({ length: prior.continuous }, () => twister.uniform() * 2 - 1);
  return { z, category, codes };
}

// Return the latent of a seed as the state draws it: moved and spread, or with its truncated style.
export function drawn(seed, { mean, std, cutoff, category }, about) {
  const { prior, styles } = about;
  if (!styles) return ofSeed(seed, mean, std, prior, category);
  return withStyle(ofSeed(seed, 0, 1, prior, category), std, cutoff || styles.layers);
}

function withStyle(latent, psi, cutoff) {
  return { ...latent, style: { psi, cutoff, mixed: [], moves: [] } };
}

// Return the latent without changes: that of the seed, or the saved one.
export function baseLatent(state, about) {
  const { prior, styles } = about;
  const saved = about.kept.find((each) => each.name === state.kept);
  if (!saved) return drawn(state.seed, state, about);
  const split = splitLatent(saved.latent, prior);
  const latent = state.category === null ? split : { ...split, category: state.category };
  return styles ? withStyle(latent, 1, styles.layers) : latent;
}

// Return the latent of the state: dimensions are set first, then directions are added.
export function latentOf(state, about) {
  const latent = baseLatent(state, about);
  for (const [number, value] of Object.entries(state.dimensions)) latent.z[number] = value;
  const first = about.prior.noise + about.prior.categories;
  for (const [number, value] of Object.entries(state.codes)) latent.codes[number - first] = value;
  if (about.styles) return styledLatent(latent, state, about);
  for (const { key, vector } of about.directions) {
    const steps = state.along[key];
    if (steps) latent.z.forEach((each, i) => (latent.z[i] = each + steps * vector[i]));
  }
  return latent;
}

function styledLatent(latent, state, about) {
  const { prior, styles: { layers } } = about;
  for (const { seed, layers: [first, last] } of Object.values(state.mix)) {
    latent.style.mixed.push({ latent: ofSeed(seed, 0, 1, prior, state.category), first, last });
  }
  for (const { key, vector } of about.directions) {
    const [first, last] = state.ranges[key] ?? [0, layers - 1];
    if (state.along[key]) latent.style.moves.push({ vector, steps: state.along[key], first, last });
  }
  return latent;
}

// Split a latent's numbers into its parts.
export function splitLatent(numbers, prior) {
  const end = prior.noise + prior.categories;
  const hot = numbers.slice(prior.noise, end);
  return {
    z: Float32Array.from(numbers.slice(0, prior.noise)),
    category: Math.max(0, hot.indexOf(Math.max(...hot))),
    codes: Float32Array.from(numbers.slice(end)),
  };
}

export function isChanged(state) {
  return [state.dimensions, state.codes, state.along, state.mix].some((changes) => Object.keys(changes).length > 0);
}
