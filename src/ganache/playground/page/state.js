// The state of the page as plain data. It is kept in the address too, so that a link reproduces the picture.

export const FRESH = {
  point: 0, // a seed, a name, {seeds, mean, std} or {vector}
  label: "", // the name of a vector
  mean: 0,
  std: 1,
  class: null,
  set: {}, // dimension -> value
  along: {}, // direction -> step
  layers: {}, // direction -> the first and the last layer that it moves, of a style-based generator
  mix: {}, // band of layers -> {point, label, layers}: the latent that these layers are taken from
  cutoff: 0, // number of layers that truncation moves, 0 for all
  noise: "fixed",
  models: [], // [{run, step}], step null for the newest
  wall: 0, // the first seed of the samples
  tab: "samples",
};

const MAX_UNDO = 200;

export class Store extends EventTarget {
  constructor() {
    super();
    this.now = read(location.hash);
    this.past = [];
    this.future = [];
    this.settled = JSON.stringify(this.now);
    addEventListener("hashchange", () => {
      if (location.hash === this.hash) return;
      this.now = { ...read(location.hash) };
      this.commit();
      this.tell({ whole: true });
    });
  }

  /** Change the state. `passing` changes, as while a slider moves, are not undone one by one. */
  change(patch, { passing = false } = {}) {
    this.now = { ...this.now, ...patch };
    if (!passing) this.commit();
    this.tell({ passing });
  }

  /** Make the current state one that can be undone to. */
  commit() {
    const text = JSON.stringify(this.now);
    if (text === this.settled) return;
    this.past = [...this.past, this.settled].slice(-MAX_UNDO);
    this.future = [];
    this.settled = text;
    this.write();
  }

  /** Take the state of another address. */
  resume(hash) {
    this.now = read(hash);
    this.write();
  }

  /** Set the first state, before which nothing can be undone. */
  begin(patch) {
    this.now = { ...this.now, ...patch };
    this.settled = JSON.stringify(this.now);
    this.write();
    this.tell({ whole: true });
  }

  /** Whether there is something to undo: a change under way, as while the training plays, counts too. */
  get undoable() {
    return this.past.length > 0 || JSON.stringify(this.now) !== this.settled;
  }

  undo() {
    this.commit();
    this.step(this.past, this.future);
  }

  redo() {
    this.step(this.future, this.past);
  }

  step(from, to) {
    if (!from.length) return;
    to.push(this.settled);
    this.now = { ...JSON.parse(from.pop()), tab: this.now.tab };
    this.settled = JSON.stringify(this.now);
    this.write();
    this.tell({ whole: true });
  }

  write() {
    this.hash = text(this.now);
    history.replaceState(null, "", location.pathname + location.search + this.hash);
  }

  /** Record another tab in the address; this cannot be undone. */
  turn(tab) {
    if (tab === this.now.tab) return;
    this.now = { ...this.now, tab };
    this.settled = JSON.stringify({ ...JSON.parse(this.settled), tab });
    this.write();
  }

  tell(detail) {
    this.dispatchEvent(new CustomEvent("change", { detail }));
  }
}

/** Return the request for the large picture, or for the pictures of other points with the same changes. */
export function request(state, points = [state.point]) {
  return {
    kind: "picture",
    points,
    dimensions: Object.keys(state.set).map(dimension),
    values: Object.values(state.set),
    directions: Object.keys(state.along),
    steps: Object.values(state.along),
    mean: state.mean,
    std: state.std,
    classes: classes(state),
    ...styles(state),
  };
}

let runs = [];
let most = 1;

/** Learn which runs there are (the latents of a style-based one are its styles, w), and how many are shown at most. */
export function knowRuns(hello) {
  [runs, most] = [hello.runs, hello.most_models];
}

/** Return those of the models that there are; the first runs if there are none. */
export function existing(models) {
  const known = models.filter(({ run, step }) => runs[run] && (step === null || runs[run].steps.includes(step)));
  return known.length ? known : runs.slice(0, most).map((_, run) => ({ run, step: null }));
}

/** Return the number of layers with styles of the run that the sliders belong to; 0 if it is not style-based. */
export function styleLayers(state) {
  return runs[state.models[0]?.run]?.styles ?? 0;
}

/** Return the field `space` of a request, for a style-based run. */
export function space(state) {
  return styleLayers(state) ? { space: "w" } : {};
}

function styles(state) {
  const count = styleLayers(state);
  if (!count) return {};
  const moved = Object.keys(state.along);
  const limited = moved.some((name) => name in state.layers);
  const mixed = Object.values(state.mix);
  return {
    ...space(state),
    layers: limited ? moved.flatMap((name) => state.layers[name] ?? [0, count - 1]) : [],
    mixed: mixed.map(({ point }) => point),
    mixed_layers: mixed.flatMap(({ layers }) => layers),
    cutoff: state.cutoff,
    noise: state.noise,
  };
}

export function classes(state) {
  return state.class === null ? [] : [state.class];
}

/** Return the number of changes of the latent. */
export function changes(state) {
  return [state.set, state.along, state.mix].reduce((sum, each) => sum + Object.keys(each).length, 0);
}

export function changed(state) {
  return changes(state) > 0;
}

/** A latent without changes. */
export const UNCHANGED = { set: {}, along: {}, layers: {}, mix: {} };

/** What a reset changes: sliders, mean and spread. */
export const RESET = { ...UNCHANGED, mean: 0, std: 1, cutoff: 0, noise: "fixed" };

/** Whether a reset would change something. */
export function resettable(state) {
  return changed(state) || ["mean", "std", "cutoff", "noise"].some((name) => state[name] !== RESET[name]);
}

/** Convert a dimension's name to a request's: noise dimensions are numbers, codes are names. */
export function dimension(name) {
  return /^\d+$/.test(name) ? Number(name) : name;
}

// ---- the address -------------------------------------------------------------------------------------------------

function text(state) {
  const fields = new URLSearchParams();
  const put = (name, value, usual) => value !== usual && fields.set(name, value);
  put("point", typeof state.point === "object" ? JSON.stringify(state.point) : String(state.point), "");
  put("label", state.label, "");
  put("mean", state.mean, 0);
  put("std", state.std, 1);
  put("class", state.class, null);
  put("set", pairs(state.set), "");
  put("along", pairs(state.along), "");
  for (const name of ["layers", "mix"]) if (Object.keys(state[name]).length) put(name, JSON.stringify(state[name]));
  put("cutoff", state.cutoff, 0);
  put("noise", state.noise, "fixed");
  put("show", shown(state.models), shown(existing([])));
  put("wall", state.wall, 0);
  put("tab", state.tab, "samples");
  return "#" + fields.toString().replaceAll("%2C", ",").replaceAll("%3A", ":").replaceAll("%40", "@");
}

function shown(models) {
  return models.map(({ run, step }) => (step === null ? run : `${run}@${step}`)).join(",");
}

function read(hash) {
  const state = structuredClone(FRESH);
  const fields = new URLSearchParams(hash.slice(1));
  const number = (name, usual) => (Number.isFinite(parseFloat(fields.get(name))) ? parseFloat(fields.get(name)) : usual);
  state.point = point(fields.get("point")) ?? 0;
  state.label = (fields.get("label") ?? "").slice(0, 80);
  state.mean = number("mean", 0);
  state.std = number("std", 1);
  state.class = fields.has("class") ? Math.trunc(number("class", 0)) : null;
  state.set = unpairs(fields.get("set"));
  state.along = unpairs(fields.get("along"));
  state.layers = ranges(fields.get("layers"), (range) => isRange(range));
  state.mix = ranges(fields.get("mix"), (each) => isRange(each?.layers) && isPoint(each.point));
  state.cutoff = Math.max(0, Math.trunc(number("cutoff", 0)));
  state.noise = ["random", "none"].includes(fields.get("noise")) ? fields.get("noise") : "fixed";
  state.models = (fields.get("show") ?? "")
    .split(",")
    .filter((part) => /^\d+(@\d+)?$/.test(part))
    .map((part) => part.split("@").map(Number))
    .map(([run, step]) => ({ run, step: step ?? null }));
  if (runs.length) state.models = existing(state.models);
  state.wall = Math.trunc(number("wall", 0));
  if (!Number.isSafeInteger(state.wall)) state.wall = 0; // two such seeds would become one
  state.tab = fields.get("tab") ?? "samples";
  return state;
}

/** Read an object from JSON, with the members that fit. */
function ranges(text, fits) {
  try {
    return Object.fromEntries(Object.entries(JSON.parse(text ?? "{}")).filter(([, value]) => fits(value)));
  } catch {
    return {};
  }
}

function isRange(value) {
  return Array.isArray(value) && value.length === 2 && value.every((each) => Number.isInteger(each) && each >= 0);
}

function isPoint(value) {
  return Number.isSafeInteger(value) || typeof value === "string" || (typeof value === "object" && value !== null);
}

function point(text) {
  if (!text) return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  if (!text.startsWith("{")) return text;
  try {
    const found = JSON.parse(text);
    return [found.seeds ?? []].flat().every((seed) => Number.isSafeInteger(seed)) ? found : text; // text is refused
  } catch {
    return null;
  }
}

function pairs(values) {
  return Object.entries(values).map(([name, value]) => `${name}:${value}`).join(",");
}

function unpairs(text) {
  const found = {};
  for (const part of (text ?? "").split(",")) {
    const [name, value] = part.split(":");
    if (name && Number.isFinite(parseFloat(value))) found[name] = parseFloat(value);
  }
  return found;
}

/** Return a seed's point as a number if its mean and spread are those of the request; other points unchanged. */
export function simple(point, mean = 0, std = 1) {
  const same = point?.seeds?.length === 1 && !point.name && (point.mean ?? 0) === mean && (point.std ?? 1) === std;
  return same ? point.seeds[0] : point;
}

/** Convert words to a name without spaces. */
export function hyphened(words) {
  return words.trim().replaceAll(/\s+/g, "-");
}

/** Return the name of a point. */
export function nameOf(point, label = "") {
  if (typeof point === "number") return `seed ${point}`;
  if (typeof point === "string") return point;
  if (point.seeds) return point.name || `seed ${point.seeds.join(", ")}`;
  return label || point.name || "a latent";
}
