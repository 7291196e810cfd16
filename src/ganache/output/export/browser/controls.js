// Elements that several parts of the page make.

import { paintMap } from "./paint.js";

export function element(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}

// A small map, dark where a dimension changes the picture; null without one.
export function mapOf(name, packed) {
  if (!packed) return null;
  const canvas = element("canvas", { className: "map", title: `${name} changes the picture where this is dark` });
  canvas.setAttribute("aria-hidden", "true");
  paintMap(canvas, packed);
  return canvas;
}

let groups = 0;

// A row of radio buttons: options are [value, name] pairs. `set(value)` marks one.
export function choice(legend, options, choose) {
  const group = element("fieldset", { className: "choice" });
  group.append(element("legend", { textContent: legend }));
  const name = `choice${++groups}`;
  const inputs = options.map(([value, text]) => {
    const label = element("label", {});
    const input = element("input", { type: "radio", name });
    input.addEventListener("change", () => choose(value));
    label.append(input, element("span", { textContent: text }));
    group.append(label);
    return [value, input];
  });
  group.set = (chosen) => inputs.forEach(([value, input]) => (input.checked = value === chosen));
  return group;
}
