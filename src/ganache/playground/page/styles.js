// Style mixing: layers of a style-based generator that are taken from other latents.

import { acceptDrops, decode, find, make, put } from "./draw.js";
import { BANDS, bandLayers, layerRange } from "./layers.js";

export class Styles {
  constructor(app) {
    this.app = app;
    app.wire.answer("styles", (reply) => this.draw(reply));
    app.store.addEventListener("change", () => this.follow());
  }

  get count() {
    return this.app.hello.runs[this.app.store.now.models[0].run]?.styles ?? 0;
  }

  build() {
    const place = find("styles");
    place.replaceChildren();
    this.built = this.count;
    this.asked = null;
    if (!this.count) return;
    this.wells = BANDS.map((band) => this.well(band));
    const hint = "Drag a sample or a pin onto one of these: the picture takes these layers from it. A click takes the last pin, or gives the layers back.";
    place.append(make("h2", {}, "Mix styles"), make("p", { class: "hint" }, hint), make("div", { class: "wells three" }, ...this.wells.map(({ element }) => element)));
    this.follow();
  }

  well(band) {
    const canvas = make("canvas", { width: 8, height: 8, "aria-hidden": "true" });
    const button = make("button", { class: "thumb well", id: `style-${band}`, onclick: () => this.click(band) }, canvas);
    acceptDrops(button, (data) => this.take(band, data));
    const range = layerRange(`${band} styles`, this.count, (layers) => this.change(band, { ...this.mix[band], layers }), "");
    return { band, button, canvas, range, element: make("figure", { class: "result" }, button, make("figcaption", {}, make("b", {}, band), range.element)) };
  }

  get mix() {
    return this.app.store.now.mix;
  }

  /** Change one band of the state; null gives the layers back. */
  change(band, taken) {
    const { [band]: gone, ...rest } = this.mix;
    this.app.store.change({ mix: taken?.point === undefined ? rest : { ...rest, [band]: taken } });
  }

  take(band, { point, label }) {
    this.change(band, { point, label, layers: this.mix[band]?.layers ?? bandLayers(band, this.count) });
  }

  click(band) {
    const pin = this.app.pins.all.at(-1);
    if (this.mix[band]) this.change(band, null);
    else if (pin) this.take(band, pin);
    else this.app.say("Drag a sample here, or pin a picture and click again.");
  }

  /** Show the state, and request the pictures of the latents that layers are taken from. */
  follow() {
    if (this.built !== this.count) return this.build();
    if (!this.count) return;
    for (const { band, button, range, element } of this.wells) {
      const taken = this.mix[band];
      range.update(taken?.layers ?? bandLayers(band, this.count));
      element.classList.toggle("empty", !taken);
      const words = taken ? `The ${band} styles are those of ${taken.label}: click to give them back` : `The ${band} styles: the picture's own`;
      button.setAttribute("aria-label", words);
      button.title = words;
    }
    const [model] = this.app.store.now.models;
    const points = Object.values(this.mix).map(({ point }) => point);
    const asked = JSON.stringify([points, model]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.shown = Object.keys(this.mix);
    if (points.length) this.app.wire.show("styles", { request: { kind: "picture", space: "w", points }, models: [model] });
    else this.wells.forEach(({ canvas }) => canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height));
  }

  async draw({ header, blobs }) {
    if (header.error || !this.wells) return;
    const [part] = header.groups[0];
    const bitmap = await decode(blobs[part.blob]);
    for (const { band, canvas } of this.wells) {
      const place = this.shown.indexOf(band);
      if (place < 0) canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      else if (place < part.count) put(canvas, bitmap, part, place);
    }
  }
}
