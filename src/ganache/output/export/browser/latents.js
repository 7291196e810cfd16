// The state of the page as plain data, and the latent that it stands for.

import { Twister } from "./random.js";

// seed          0 to 2^32 - 1
// mean, std     of the seed's latent
// category      a number, or null for the category that the seed draws
// kept          the name of a saved latent that replaces the seed, or ""
// dimensions    number -> value
// codes         number -> value
// along         key of a direction -> steps
export function initialState() {
  return { seed: 0, mean: 0, std: 1, category: null, kept: "", dimensions: {}, codes: {}, along: {} };
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

// Return the latent without changes: that of the seed, or the saved one.
export function baseLatent(state, about) {
  const { prior } = about;
  const saved = about.kept.find((each) => each.name === state.kept);
  if (!saved) return ofSeed(state.seed, state.mean, state.std, prior, state.category);
  const latent = splitLatent(saved.latent, prior);
  return state.category === null ? latent : { ...latent, category: state.category };
}

// Return the latent of the state: dimensions are set first, then directions are added.
export function latentOf(state, about) {
  const latent = baseLatent(state, about);
  for (const [number, value] of Object.entries(state.dimensions)) latent.z[number] = value;
  const first = about.prior.noise + about.prior.categories;
  for (const [number, value] of Object.entries(state.codes)) latent.codes[number - first] = value;
  for (const { key, vector } of about.directions) {
    const steps = state.along[key];
    if (steps) latent.z.forEach((each, i) => (latent.z[i] = each + steps * vector[i]));
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
  return [state.dimensions, state.codes, state.along].some((changes) => Object.keys(changes).length > 0);
}
