// Ranges of the layers of a style-based generator. The playground serves this file too, and the exported page has it
// inside, so it imports nothing and knows nothing of either page.

export const BANDS = ["coarse", "middle", "fine"]; // thirds of the layers

/** Return the first and the last layer of a band. */
export function bandLayers(band, count) {
  const at = BANDS.indexOf(band);
  return [Math.round((at * count) / BANDS.length), Math.round(((at + 1) * count) / BANDS.length) - 1];
}

/** Make two number inputs, the first and the last layer; `change` gets both. Returns { element, update(layers) }. */
export function layerRange(label, count, change, word = "layers ") {
  const create = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const inputs = ["First", "Last"].map((which) => create("input", { type: "number", min: 0, max: count - 1, step: 1, ariaLabel: `${which} layer of ${label}`, onchange: () => read() }));
  const read = () => {
    const [first, last] = inputs.map(({ value }) => Math.min(count - 1, Math.max(0, Math.trunc(Number(value)))));
    change([Math.min(first, last), Math.max(first, last)]);
  };
  const element = create("span", { className: "layers" });
  element.append(word, inputs[0], " to ", inputs[1]);
  const update = (layers) => inputs.forEach((input, place) => document.activeElement !== input && (input.value = layers[place]));
  return { element, update };
}
