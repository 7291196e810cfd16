// The page: one state, changed by sliders, buttons, keys and the address, and shown by all of them.

import { fromAddress, LARGEST_SEED, toAddress } from "./address.js";
import { Engine } from "./engine.js";
import { choice, element, mapOf } from "./controls.js";
import { initialState, isChanged, latentOf, baseLatent } from "./latents.js";
import { paint } from "./paint.js";
import { commandFor, nameOf, savePicture, saveRequest } from "./saving.js";
import { layerRange } from "./layers.js";
import { markMore } from "./more.js";
import { guardTouch, slider } from "./slider.js";
import { buildStyles } from "./styles.js";
import { Wall } from "./wall.js";

const SHOWN_FIRST = 12; // dimensions that are shown before "Show all"
const MAX_STEPS = 6; // the reach of directions, in standard deviations of the latents
const WALL_SIZE = 24;

const $ = (id) => document.getElementById(id);
const about = JSON.parse($("about").textContent);
const { prior, shape } = about;
const engine = new Engine(about);
const rows = []; // functions that show the state on the sliders

let state = fromAddress(location.hash, about);
let past = [];
let future = [];
let smooth = true;

// ---- the state changes -----------------------------------------------------------------------------------------

// The picture follows every change. When a slider has come to rest (`still`), the change goes into the address and can be
// undone.
function change(changes, still = true) {
  state = { ...state, ...changes };
  refresh();
  if (still) commit();
}

function commit() {
  const here = toAddress(state);
  const before = location.hash || toAddress(initialState());
  if (here === before) return;
  past.push(before);
  future = [];
  history.replaceState(null, "", here);
  refreshWall();
  refreshButtons();
}

function go(from, to) {
  if (!from.length) return;
  to.push(toAddress(state));
  const hash = from.pop();
  history.replaceState(null, "", hash);
  enter(hash);
}

function enter(hash) {
  state = fromAddress(hash, about);
  refresh();
  refreshWall();
  refreshButtons();
}

const seedOf = (seed) => ({ ...cleared(), seed: Math.min(LARGEST_SEED, Math.max(0, seed)), kept: "" });
const cleared = () => ({ dimensions: {}, codes: {}, along: {}, mix: {}, ranges: {} });
const reset = () => ({ ...cleared(), mean: 0, std: 1, cutoff: 0 });
const resettable = () => isChanged(state) || state.mean !== 0 || state.std !== 1 || state.cutoff !== 0;
const newSeed = () => change(seedOf(Math.floor(Math.random() * 1_000_000)));

function without(part, key) {
  const { [key]: _, ...rest } = state[part];
  return { [part]: rest };
}

// ---- the state is shown ------------------------------------------------------------------------------------------

function refresh() {
  $("picture").setAttribute("aria-busy", "true"); // until the newest picture arrives
  engine.show(latentOf(state, about));
  const base = baseLatent(state, about);
  rows.forEach((show) => show(base));
  if (document.activeElement !== $("seed")) $("seed").value = state.seed;
  const what = state.kept || `seed ${state.seed}`;
  $("picture").setAttribute("aria-label", `The picture of ${what}${isChanged(state) ? ", changed" : ""}`);
  $("command").textContent = commandFor(state, about);
}

function refreshButtons() {
  $("undo").disabled = !past.length;
  $("redo").disabled = !future.length;
  $("reset").disabled = !resettable();
}

function refreshWall() {
  wall.show(wall.first, state);
  wall.mark(state.kept || isChanged(state) ? -1 : state.seed);
}

let painted = 0;
engine.onPicture = (pixels) => {
  paint($("picture"), pixels, shape);
  $("poster").hidden = true;
  $("picture").hidden = false;
  $("picture").setAttribute("aria-busy", String(engine.wanted !== null));
  document.body.dataset.pictures = ++painted;
};
engine.onFailure = (why) => say(`The picture could not be rendered: ${why}`, true);

function say(text, wrong = false) {
  $("status").textContent = text;
  $("status").classList.toggle("wrong", wrong);
}

// ---- sliders -----------------------------------------------------------------------------------------------------

// `show(base)` returns [value, whether it was changed]; `base` is the latent without changes.
function addSlider(place, settings, show) {
  const { change: set, map, ...rest } = settings;
  const row = slider({
    ...rest,
    id: `slider${rows.length}`,
    map: mapOf(settings.name, map),
    oninput: (value) => set(value, false),
    onchange: (value) => set(value, true),
  });
  rows.push((base) => {
    const [value, changed] = show(base);
    row.update(value, 0, changed);
  });
  place.append(row.element);
  return row.element;
}

function buildLatent() {
  const mean = { name: "Mean", title: "Mean of the latent's numbers", min: -1.5, max: 1.5 };
  mean.change = (value, still) => change({ mean: value }, still);
  mean.onreset = () => change({ mean: 0 });
  if (!about.styles) addSlider($("latent"), mean, () => [state.mean, state.mean !== 0]);
  const std = { name: "Spread", title: "Standard deviation of the latent's numbers: small gives typical pictures, large unusual ones", min: 0, max: 2, lowest: 0 };
  if (about.styles) Object.assign(std, { name: "Truncation", title: "How far a picture is from the average one (psi): small gives typical pictures", max: 1.5 });
  std.change = (value, still) => change({ std: value }, still);
  std.onreset = () => change({ std: 1 });
  addSlider($("latent"), std, () => [state.std, state.std !== 1]);
  if (about.styles) $("latent").append(cutoff(about.styles.layers));
  if (prior.categories) {
    const options = Array.from({ length: prior.categories }, (_, k) => [k, String(k)]);
    const classes = choice("Class", [[null, "any"], ...options], (category) => change({ category }));
    rows.push(() => classes.set(state.category));
    $("latent").append(classes);
  }
  if (about.kept.length) {
    const options = about.kept.map(({ name }) => [name, name]);
    const names = choice("Saved latents", [["", "none"], ...options], (kept) => change({ ...cleared(), kept }));
    rows.push(() => names.set(state.kept));
    $("latent").append(names);
  }
}

// How many layers truncation moves, from the coarsest on.
function cutoff(count) {
  const input = element("input", { type: "number", id: "cutoff", min: 1, max: count, step: 1 });
  input.addEventListener("change", () => {
    const layers = Math.min(count, Math.max(1, Math.trunc(Number(input.value)) || count));
    change({ cutoff: layers === count ? 0 : layers });
  });
  rows.push(() => document.activeElement !== input && (input.value = state.cutoff || count));
  const label = element("label", { className: "layers" });
  label.append("of the coarsest ", input, ` of ${count} layers`);
  return label;
}

function buildDirections() {
  const reach = MAX_STEPS * prior.std;
  about.directions.forEach(({ key, name }) => {
    const set = (value, still) => change({ along: { ...state.along, [key]: value } }, still);
    const onreset = () => change({ ...without("along", key), ...without("ranges", key) });
    const settings = { name, min: -reach, max: reach, change: set, onreset };
    const row = addSlider($("directions"), settings, () => [state.along[key] ?? 0, key in state.along]);
    if (!about.styles) return;
    const range = layerRange(`direction ${name}`, about.styles.layers, (layers) => change({ ranges: { ...state.ranges, [key]: layers } }));
    row.append(range.element);
    rows.push(() => range.update(state.ranges[key] ?? [0, about.styles.layers - 1]));
  });
  $("directions-part").hidden = !about.directions.length;
}

function buildDimensions() {
  const reach = (prior.kind === "uniform" ? 1.5 : 3) * prior.std;
  about.dimensions.forEach(({ number, change: share, where }, rank) => {
    const title = `Dimension ${number}: changes a pixel by ${(100 * share).toFixed(1)} % on average`;
    const set = (value, still) => change({ dimensions: { ...state.dimensions, [number]: value } }, still);
    const onreset = () => change(without("dimensions", number));
    const settings = { name: `Dimension ${number}`, title, map: where, min: -reach, max: reach, change: set, onreset };
    const show = (base) => [state.dimensions[number] ?? base.z[number], number in state.dimensions];
    const row = addSlider($("dimensions"), settings, show);
    row.classList.toggle("later", rank >= SHOWN_FIRST);
  });
  $("dimensions-part").hidden = !about.dimensions.length;
  $("all").hidden = about.dimensions.length <= SHOWN_FIRST;
  $("all").textContent = `Show all ${about.dimensions.length}`;
}

function buildCodes() {
  const first = prior.noise + prior.categories;
  about.codes.forEach(({ number, where }, k) => {
    const set = (value, still) => change({ codes: { ...state.codes, [number]: value } }, still);
    const onreset = () => change(without("codes", number));
    const settings = { name: `Code ${k + 1}`, map: where, min: -2, max: 2, change: set, onreset };
    addSlider($("codes"), settings, (base) => [state.codes[number] ?? base.codes[number - first], number in state.codes]);
  });
  $("codes-part").hidden = !about.codes.length;
}

// ---- buttons and keys --------------------------------------------------------------------------------------------

function toggleSmooth() {
  smooth = !smooth;
  document.body.classList.toggle("pixels", !smooth);
  $("pixels").setAttribute("aria-pressed", String(!smooth));
}

function pageWall(by) {
  const first = Math.min(LARGEST_SEED - WALL_SIZE, Math.max(0, wall.first + by));
  wall.show(first, state);
  refreshWall();
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link was copied.");
  } catch {
    say("The link is in the address bar.");
  }
}

const actions = {
  new: newSeed,
  previous: () => change(seedOf(state.seed - 1)),
  next: () => change(seedOf(state.seed + 1)),
  reset: () => change(reset()),
  undo: () => {
    commit(); // a slider may be under way
    go(past, future);
  },
  redo: () => go(future, past),
  save: () => savePicture($("picture"), smooth, nameOf(state)),
  small: () => savePicture($("picture"), smooth, nameOf(state), false),
  request: () => saveRequest(state, about, nameOf(state)),
  link: copyLink,
  pixels: toggleSmooth,
  earlier: () => pageWall(-WALL_SIZE),
  later: () => pageWall(WALL_SIZE),
};
const keys = {
  n: "new",
  ArrowLeft: "previous",
  ArrowRight: "next",
  u: "undo",
  z: "undo",
  r: "reset",
  y: "redo",
  s: "save",
  l: "link",
  p: "pixels",
};

function onKey(event) {
  const typing = event.target.matches("input");
  const ours = event.ctrlKey || event.metaKey ? event.key.toLowerCase() === "z" : !typing && !event.altKey;
  if (!ours) return;
  const action = event.ctrlKey || event.metaKey ? (event.shiftKey ? "redo" : "undo") : keys[event.key];
  if (!action || $(action).disabled) return;
  event.preventDefault();
  actions[action]();
}

function listen() {
  guardTouch();
  markMore(document.querySelector(".side"));
  markMore($("wall"));
  for (const [id, action] of Object.entries(actions)) $(id).addEventListener("click", action);
  $("seed").addEventListener("change", () => {
    const typed = Math.trunc(Number($("seed").value));
    change(seedOf(Number.isFinite(typed) ? typed : 0));
    $("seed").value = state.seed;
  });
  $("all").addEventListener("click", () => {
    $("dimensions").classList.add("every");
    $("all").hidden = true;
  });
  document.addEventListener("keydown", onKey);
  addEventListener("hashchange", () => enter(location.hash));
}

// ---- start -------------------------------------------------------------------------------------------------------

const wall = new Wall($("wall"), WALL_SIZE, about, engine, (seed) => change(seedOf(seed)));
document.body.classList.toggle("clear", shape[0] === 4);
buildLatent();
if (about.styles) rows.push(buildStyles($("styles"), about, engine, () => state, (mix) => change({ mix })));
$("styles-part").hidden = !about.styles;
buildDirections();
buildDimensions();
buildCodes();
listen();
enter(location.hash);
engine.begin().then(
  () => say(""),
  (error) => say(`This browser cannot run the generator (${error.message}): try a newer one.`, true),
);
