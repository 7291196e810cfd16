// The page: it creates the parts, and handles the buttons and keys that belong to none of them.

import { copy, decode, find, acceptDrops } from "./draw.js";
import { Knobs, rank } from "./knobs.js";
import { numeral } from "./language.js";
import { largeView } from "./large.js";
import { Live } from "./live.js";
import { Mix } from "./mix.js";
import { Stage } from "./picture.js";
import { Pins } from "./pins.js";
import { sayPoints } from "./points.js";
import { samplesPanel, teachPanel, Wall } from "./samples.js";
import { guardTouch } from "./slider.js";
import { existing, hyphened, knowRuns, RESET, Store, styleLayers, UNCHANGED } from "./state.js";
import { Tabs } from "./tabs.js";
import { timeSlider } from "./time.js";
import { Views } from "./views.js";
import { Wire } from "./wire.js";

const store = new Store();
const app = { store, hello: null, say, take, pick, forget, findOwn, z: [], base: null };
let serverStart = null; // the start time of the server that was last connected
let connected = false;
let bannerTimer = null;

app.wire = new Wire({ hello, news, lost, error: say });

// ---- the connection ----------------------------------------------------------------------------------------------

function hello(header) {
  const first = !app.hello;
  app.hello = header.hello;
  knowRuns(app.hello);
  connected = true;
  if (!first) {
    const restarted = serverStart !== header.born;
    say(restarted ? "The server was restarted, and this page continues where it was." : "The connection is back.", true);
    localStorage.removeItem("left");
  }
  serverStart = header.born;
  if (first) begin(header.live);
  else refresh();
}

function begin(live) {
  const { runs } = app.hello;
  continueFromLeft();
  store.now.models = existing(store.now.models);
  document.title = `${runs.map((run) => run.name).join(", ")} · ganache`;
  find("run").textContent = runs.map((run) => run.name).join(" · ");
  document.body.classList.toggle("live", live);
  app.live = live;
  app.tabs = new Tabs(app, live, (key) => {
    app[key]?.open?.();
    app.wall?.update();
  });
  if (live) app.training = new Live(app, app.tabs.panel("training"));
  if (ready()) createParts();
  app.tabs.show(location.hash.includes("tab=") ? store.now.tab : app.tabs.usual);
}

/** Take over the state of a page of these runs whose server has gone: after a restart the address has another token. */
function continueFromLeft() {
  const [paths, hash] = localStorage.getItem("left")?.split("\n") ?? [];
  localStorage.removeItem("left");
  if (location.hash || paths !== runPaths()) return;
  store.resume(hash);
  say("The server was restarted, and this page continues where the last one was.", true);
}

/** The folders of the runs, as a command names them. */
function runPaths() {
  return app.hello.runs.map((run) => run.path).join(" ");
}

addEventListener("pagehide", () => (connected = false)); // a page that is closed leaves nothing

/** Whether every run has a checkpoint. */
function ready() {
  return app.hello.runs.every((run) => run.steps.length);
}

/** Create all that needs a generator. */
function createParts() {
  document.body.classList.add("ready");
  if (app.hello.runs.every(({ shape }) => shape?.length === 1)) sayPoints();
  app.stage = new Stage(app);
  app.knobs = new Knobs(app);
  app.wall = new Wall(app);
  app.pins = new Pins(app);
  samplesPanel(app, app.tabs.panel("samples"));
  app.mix = new Mix(app, app.tabs.panel("mix"));
  teachPanel(app, app.tabs.panel("teach"));
  app.views = new Views(app, app.tabs.panel("views"));
  store.addEventListener("change", follow);
  store.addEventListener("change", large.follow); // after the sliders
  store.begin({});
  refresh();
}

/** Request all that the page shows: at the start, and after the connection was lost. */
function refresh() {
  if (!app.stage) return;
  app.stage.laid = app.stage.origin = app.knobs.built = null;
  app.stage.update();
  app.wall.update(true);
  app.pins.draw();
  app.knobs.follow();
  findOwn("sefa");
  rank(app);
}

function follow({ detail }) {
  if (detail.whole) app.tabs.show(store.now.tab);
  tellWhose();
  document.body.classList.toggle("styled", styleLayers(store.now) > 0);
  find("undo").disabled = !store.undoable;
  find("redo").disabled = !store.future.length;
  const key = JSON.stringify(store.now.models[0]);
  if (detail.passing || app.asked === key || !app.hello) return; // while the training plays, the sliders stay
  const changed = app.asked !== undefined;
  app.asked = key;
  if (!changed) return;
  clearTimeout(app.later); // directions and ranking depend on the model; wait until the time slider rests
  app.later = setTimeout(() => {
    findOwn("sefa");
    rank(app);
  }, 600);
}

/** Say which run the sliders, the samples and the time belong to, if there is a choice. */
function tellWhose() {
  const { runs } = app.hello;
  const [{ run, step }] = store.now.models;
  const several = runs.length > 1 || store.now.models.length > 1;
  for (const place of document.querySelectorAll(".whose")) {
    place.hidden = !several;
    place.textContent = `Of ${runs[run].name}, step ${numeral(step ?? runs[run].step ?? 0)}`;
  }
}

function news(header) {
  app.hello = header.hello;
  knowRuns(app.hello);
  app.training?.draw(header);
  if (!app.stage && ready()) createParts();
  else if (app.stage) {
    app.stage.layOut();
    if (store.now.models.some(({ step }) => step === null) && document.visibilityState === "visible") showNewest();
  }
}

/** Show the newest checkpoint, if there is a newer one than before. */
function showNewest() {
  const { step } = app.hello.runs[0];
  if (app.newest === step) return;
  const first = app.newest === undefined;
  app.newest = step;
  if (first) return;
  app.stage.origin = null;
  app.stage.update();
  app.wall.update(true);
  app.pins.ask();
}

/** Whether this machine alone can reach the server. */
function isLocal() {
  return ["localhost", "[::1]"].includes(location.hostname) || location.hostname.startsWith("127.");
}

function lost(reason) {
  if (connected) localStorage.setItem("left", `${runPaths()}\n${location.hash}`);
  connected = false;
  const { lang } = document.documentElement;
  const address = `${isLocal() ? "" : ` --host ${location.hostname}`} --port ${location.port || 80}`;
  const command = `${app.hello?.command ?? "ganache explore RUN"}${address}${lang === "en" ? "" : ` --lang ${lang}`}`;
  const then = "Then open the address that it prints: it continues here."; // a new server has a new token
  say(reason ? [reason] : ["The server has gone, and this page waits for it. To start it again:", `  ${command}  `, then], false, true);
}

// ---- messages ----------------------------------------------------------------------------------------------------

/** Show sentences at the top for some seconds or, with `stay`, until others replace them. */
function say(sentences, good = false, stay = false) {
  const banner = find("banner");
  banner.firstChild.replaceChildren(...[sentences].flat());
  banner.hidden = false;
  banner.classList.toggle("good", good);
  clearTimeout(bannerTimer);
  if (!stay) bannerTimer = setTimeout(() => (banner.hidden = true), good ? 5000 : 9000);
}

// ---- latents -----------------------------------------------------------------------------------------------------

/** Show a point, without the changes unless they are carried over. */
function take(point, label = "", more = {}) {
  const carry = find("carry").checked ? {} : UNCHANGED;
  store.change({ point, label, ...carry, ...more });
}

/** Show the latent of a thumbnail; a seed gets its own mean and spread. */
function pick({ point, label }) {
  if (point?.seeds?.length === 1 && !point.name) take(point.seeds[0], "", { mean: point.mean ?? 0, std: point.std ?? 1 });
  else take(point, label);
}

function sample() {
  take(Math.floor(Math.random() * 100_000));
}

async function findOwn(how) {
  const model = store.now.models[0];
  try {
    const { header } = await app.wire.ask("own", { how, model });
    app.own = { ...app.own, [how]: header.names };
  } catch (error) {
    app.own = { ...app.own, [how]: [] };
  }
  app.knobs.build();
}

async function forget(name) {
  const { run } = store.now.models[0];
  try {
    const { header } = await app.wire.ask("forget", { run, name });
    app.hello.runs[run].names = header.names;
    const { [name]: gone, ...along } = store.now.along;
    if (gone !== undefined) store.change({ along });
    app.knobs.build();
    say(`“${name}” was deleted.`, true);
  } catch (error) {
    say(error.message);
  }
}

async function keepName() {
  const box = find("name-box");
  box.returnValue = "";
  find("name").value = "";
  box.showModal();
  await new Promise((closed) => box.addEventListener("close", closed, { once: true }));
  const name = hyphened(find("name").value);
  if (box.returnValue !== "keep" || !name) return;
  const { run } = store.now.models[0];
  const { point } = app.pins.current();
  const kept = typeof point === "string" ? { vector: app.z } : { seeds: point.seeds, mean: point.mean, std: point.std, vector: point.vector };
  try {
    const plain = JSON.parse(JSON.stringify(kept)); // drops undefined fields
    const { header } = await app.wire.ask("keep", { run, name, kept: plain });
    app.hello.runs[run].names = header.names;
    app.knobs.build();
    say(`“${header.kept}” is saved in the run; commands accept this name.`, true);
  } catch (error) {
    say(error.message);
  }
}

/** Find the latent whose picture is nearest to a picture file. */
async function invert(file) {
  if (!file) return;
  say("Searching for the latent of this picture…", true, true);
  try {
    const upload = new Uint8Array(await file.arrayBuffer());
    const { header, blobs } = await app.wire.ask("invert", { model: store.now.models[0] }, { upload });
    const point = { vector: header.latent };
    app.stage.showGiven(await decode(blobs[0]), header, point);
    store.change({ point, label: `found for ${file.name}`.slice(0, 80), ...UNCHANGED });
    say("The generator's nearest picture is now the current one.", true);
  } catch (error) {
    say(error.message);
  }
}

// ---- buttons and keys --------------------------------------------------------------------------------------------

const on = (id, call) => find(id).addEventListener("click", call);
on("new", sample);
on("reset", () => store.change(RESET));
find("seed").addEventListener("change", ({ target }) => (target.value !== "" && target.checkValidity() ? take(Number(target.value)) : app.stage.words()));
on("close-banner", () => (find("banner").hidden = true));
on("pin", () => app.pins.add());
on("undo", () => store.undo());
on("redo", () => store.redo());
on("link", (event) => copy(location.href, event.target));
on("save-png", () => app.stage.save(true));
on("save-large", () => app.stage.saveLarge());
on("save-sheet", () => app.stage.save(false));
on("save-request", () => app.stage.saveRequest());
on("save-link", () => copy(location.href, find("save").querySelector("summary")));
on("save-name", keepName);
on("choose", () => find("file").click());
on("help", () => find("help-box").showModal());
find("file").addEventListener("change", (event) => invert(event.target.files[0]));
find("save").addEventListener("click", (event) => event.target.closest("button") && (find("save").open = false));
addEventListener("click", (event) => event.target.closest("#save") || (find("save").open = false));

on("theme", () => {
  const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  theme(dark ? "light" : "dark");
});

function theme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("theme", name);
}
if (["dark", "light"].includes(localStorage.getItem("theme"))) theme(localStorage.getItem("theme"));

// ---- drag and drop: files anywhere, latents on the picture

addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  invert(event.dataTransfer.files[0]);
});
acceptDrops(find("pictures"), pick);
timeSlider(app);
guardTouch();
const large = largeView();
const before = (shown) => app.stage?.before(shown);
find("before").addEventListener("pointerdown", () => before(true));
find("before").addEventListener("keydown", ({ key }) => [" ", "Enter"].includes(key) && before(true));
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => before(false));
addEventListener("keyup", () => before(false));

addEventListener("keydown", (event) => {
  if (event.key === "Escape") escape();
  const typing = event.target.closest("input:not([type=range]):not([type=checkbox]), select, dialog[open]");
  if (typing || !app.stage) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
    event.preventDefault();
    if (event.shiftKey) store.redo();
    else store.undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const tab = app.tabs.visible[Number(event.key) - 1];
  const keys = { n: sample, r: () => store.change(RESET), b: () => before(true), f: large.toggle, p: () => app.pins.add(), s: () => app.stage.save(true), "?": () => find("help-box").showModal() };
  const call = keys[event.key] ?? (tab && (() => app.tabs.show(tab.key)));
  if (!call) return;
  event.preventDefault();
  call();
});

/** Leave what was opened last. */
function escape() {
  if (document.querySelector("dialog[open]")) return; // the browser closes it
  before(false);
  if (find("save").open) {
    find("save").open = false;
    find("save").querySelector("summary").focus();
  } else if (large.on()) large.toggle();
  else find("banner").hidden = true;
}
