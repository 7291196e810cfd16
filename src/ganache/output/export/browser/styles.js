// Style mixing: layers taken from other seeds.

import { LARGEST_SEED } from "./address.js";
import { element } from "./controls.js";
import { drawn } from "./latents.js";
import { BANDS, bandLayers, layerRange } from "./layers.js";
import { paint } from "./paint.js";
import { DRAGGED } from "./wall.js";

// Make a field per band of layers, onto which a sample can be dragged; `set` gets the new mix. Returns a function that
// shows the state.
export function buildStyles(place, about, engine, get, set) {
  const count = about.styles.layers;
  const wells = BANDS.map((band) => {
    const usual = bandLayers(band, count);
    const put = (seed) => set({ ...get().mix, [band]: { seed, layers: get().mix[band]?.layers ?? usual } });
    const free = () => {
      const { [band]: _, ...rest } = get().mix;
      set(rest);
    };
    const figure = element("figure", { id: `style-${band}` });
    const canvas = element("canvas", { width: 8, height: 8 });
    const seed = element("input", { type: "number", min: 0, max: LARGEST_SEED, step: 1, placeholder: "own" });
    seed.setAttribute("aria-label", `Seed of the ${band} styles; empty for the picture's own`);
    seed.addEventListener("change", () => {
      const typed = Math.trunc(Number(seed.value));
      if (seed.value === "" || !(typed >= 0 && typed <= LARGEST_SEED)) free();
      else put(typed);
    });
    const range = layerRange(`${band} styles`, count, (layers) => band in get().mix && set({ ...get().mix, [band]: { ...get().mix[band], layers } }));
    const back = element("button", { type: "button", textContent: "×", title: "Give these layers back" });
    back.setAttribute("aria-label", `Give the ${band} styles back`);
    back.addEventListener("click", free);
    const name = element("figcaption", { className: "layers" });
    name.append(`${band}: seed `, seed, " ", back, range.element);
    figure.append(canvas, name);
    figure.addEventListener("dragover", (event) => {
      if (!event.dataTransfer.types.includes(DRAGGED)) return;
      event.preventDefault();
      figure.classList.add("over");
    });
    figure.addEventListener("dragleave", () => figure.classList.remove("over"));
    figure.addEventListener("drop", (event) => {
      event.preventDefault();
      figure.classList.remove("over");
      put(Number(event.dataTransfer.getData(DRAGGED)));
    });
    return { band, canvas, seed, range, back, usual, figure };
  });
  const row = element("div", { className: "wells" });
  row.append(...wells.map(({ figure }) => figure));
  place.append(row);
  return () => {
    const state = get();
    for (const well of wells) {
      const taken = state.mix[well.band];
      if (document.activeElement !== well.seed) well.seed.value = taken?.seed ?? "";
      well.back.hidden = !taken;
      well.range.update(taken?.layers ?? well.usual);
      const shown = taken ? JSON.stringify([taken.seed, state.std, state.cutoff, state.category]) : "";
      if (shown === well.shown) continue;
      well.shown = shown;
      if (taken) engine.also(drawn(taken.seed, state, about), (pixels) => well.shown === shown && paint(well.canvas, pixels, about.shape));
      else well.canvas.getContext("2d").clearRect(0, 0, well.canvas.width, well.canvas.height);
    }
  };
}
