// A slider with its name, its value, and a button that takes the change back.

import { paintMap } from "./paint.js";

let made = 0;

// change(value, still): `still` is true when the hand has come to rest. back(): what a double click does.
export function knob({ name, says = "", map = "", low, high, step = 0.01, change, back }) {
  const row = element("div", { className: "knob" });
  const id = `knob${++made}`;
  const label = element("label", { htmlFor: id, textContent: name, title: says });
  const range = element("input", { type: "range", id, min: low, max: high, step });
  const value = element("output", {});
  value.htmlFor.add(id);
  const undo = element("button", { type: "button", className: "back", textContent: "×", hidden: true });
  undo.setAttribute("aria-label", `Take back ${name}`);
  undo.title = "Take this change back";
  const moved = (still) => change(Number(range.value), still);
  range.addEventListener("input", () => moved(false));
  range.addEventListener("change", () => moved(true));
  range.addEventListener("dblclick", back);
  undo.addEventListener("click", () => {
    back();
    range.focus();
  });
  if (map) {
    const canvas = element("canvas", { className: "map", title: `${name} acts where this is dark` });
    canvas.setAttribute("aria-hidden", "true");
    paintMap(canvas, map);
    row.append(canvas);
  } else {
    row.classList.add("plain");
  }
  row.append(label, range, value, undo);

  // Show a value, and whether it is a change of the hand's.
  row.set = (number, changed) => {
    if (Number(range.value) !== number) range.value = number;
    value.textContent = number.toFixed(2).replace("-", "−");
    const share = (x) => (100 * (Math.min(high, Math.max(low, x)) - low)) / (high - low);
    range.style.setProperty("--from", `${Math.min(share(0), share(number))}%`);
    range.style.setProperty("--to", `${Math.max(share(0), share(number))}%`);
    row.classList.toggle("changed", changed);
    undo.hidden = !changed;
  };
  return row;
}

export function element(kind, settings) {
  return Object.assign(document.createElement(kind), settings);
}

// One of several, as a row of chips: options are [value, name] pairs.
export function chips(legend, options, choose) {
  const group = element("fieldset", { className: "chips" });
  group.append(element("legend", { textContent: legend }));
  const name = `chips${++made}`;
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
