// All settings of a training that a reader may change while it runs, beside the knobs of the lesson.

import { make } from "./draw.js";
import { t } from "./words.js";

const FIELDS = [
  // name on the page, section, setting, smallest, largest, step
  ["batch", "schedule", "batch", 8, 1024, 8],
  ["critic steps", "schedule", "critic_steps", 1, 100, 1],
  ["critic rate", "critic_optimiser", "lr", 0, 1, "any"],
  ["generator rate", "generator_optimiser", "lr", 0, 1, "any"],
  ["noise", "view", "noise", 0, 5, "any"],
  ["R1", "penalty", "r1", 0, 1000, "any"],
  ["width", "network", "hidden", 4, 512, 4],
  ["layers", "network", "layers", 1, 8, 1],
];
const SEED = "seed";

/** A panel with a field for each setting, and a button for drawing real points: its element, and how it is filled. */
export function settingsPanel(stage) {
  const fields = make("div", { class: "fields" });
  for (const [label, section, name, min, max, step] of FIELDS) {
    const input = make("input", { type: "number", min, max, step, id: `set-${section}-${name}`, placeholder: "–" });
    input.addEventListener("change", () => {
      const { [name]: gone, ...rest } = stage.changes[section] ?? {};
      const chosen = input.value === "" || !input.validity.valid ? rest : { ...rest, [name]: input.valueAsNumber };
      stage.changes = { ...stage.changes, [section]: chosen };
      stage.change();
    });
    fields.append(make("label", { for: input.id }, t(label)), input);
  }
  const seed = make("input", { type: "number", min: 0, max: 2 ** 31, step: 1, id: "set-seed", placeholder: "–" });
  seed.addEventListener("change", () => {
    const { [SEED]: gone, ...rest } = stage.changes;
    stage.changes = seed.value === "" || !seed.validity.valid ? rest : { ...rest, [SEED]: seed.valueAsNumber };
    stage.begin();
  });
  fields.append(make("label", { for: "set-seed" }, t("seed")), seed);
  let finish = null;
  const draw = make("button", { onclick: () => toggle() }, t("draw points"));
  const toggle = () => {
    if (finish) finish();
    finish = finish ? null : stage.startDrawing();
    draw.textContent = finish ? t("train on these") : t("draw points");
  };
  const element = make("details", {}, make("summary", {}, t("all settings")), make("p", { class: "hint" }, t("settings hint")), fields, make("div", { class: "actions" }, draw));
  const fill = (changes) => {
    for (const [, section, name] of FIELDS) fields.querySelector(`#set-${section}-${name}`).value = changes[section]?.[name] ?? "";
    seed.value = changes[SEED] ?? "";
  };
  return { element, fill };
}
