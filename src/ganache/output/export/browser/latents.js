// What is shown, as plain data, and the latent that it stands for.

import { Twister } from "./random.js";

// seed: 0 ... 2^32 - 1     mean, std: of the seed's latent      category: a number, or null for the seed's own
// kept: the name of a kept latent in place of the seed, or ""
// dimensions: number -> value       codes: number -> value       along: direction's key -> how far
export function beginning() {
  return { seed: 0, mean: 0, std: 1, category: null, kept: "", dimensions: {}, codes: {}, along: {} };
}

// The latent of a seed: { z, category, codes }, as ganache's Prior.sample draws it: a category that is given (not null)
// is not drawn, and so the codes are others.
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

// Before anything was moved: of the seed, or of the kept latent.
export function unmoved(state, about) {
  const { prior } = about;
  const kept = about.kept.find((each) => each.name === state.kept);
  if (!kept) return ofSeed(state.seed, state.mean, state.std, prior, state.category);
  const latent = parted(kept.latent, prior);
  return state.category === null ? latent : { ...latent, category: state.category };
}

// All that the state says, in this order: the dimensions are set, then the directions are added.
export function latentOf(state, about) {
  const latent = unmoved(state, about);
  for (const [number, value] of Object.entries(state.dimensions)) latent.z[number] = value;
  const first = about.prior.noise + about.prior.categories;
  for (const [number, value] of Object.entries(state.codes)) latent.codes[number - first] = value;
  for (const { key, vector } of about.directions) {
    const far = state.along[key];
    if (far) latent.z.forEach((each, i) => (latent.z[i] = each + far * vector[i]));
  }
  return latent;
}

// A latent's numbers in one row -> its parts.
export function parted(numbers, prior) {
  const end = prior.noise + prior.categories;
  const hot = numbers.slice(prior.noise, end);
  return {
    z: Float32Array.from(numbers.slice(0, prior.noise)),
    category: Math.max(0, hot.indexOf(Math.max(...hot))),
    codes: Float32Array.from(numbers.slice(end)),
  };
}

export function isMoved(state) {
  return [state.dimensions, state.codes, state.along].some((moved) => Object.keys(moved).length > 0);
}
