// A slider with its name, its value and a button that resets it. The playground serves this file too, and the exported
// page has it inside, so it imports nothing and knows nothing of either page.

/**
 * Make a slider: { element, input, update(value, base, changed) }.
 *
 * title      the tooltip of the name
 * label      the name for screen readers
 * map        an element in front of the name, or null
 * oninput    called with the value while the slider moves; onchange when it has come to rest
 * onreset    called by the button and by a double click
 *
 * `update` shows a value, marks the value `base` that it has without a change, and says whether it was changed.
 */
export function slider({ name, title = name, label = name, id, min, max, step = 0.01, map = null, oninput, onchange, onreset }) {
  const create = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const element = create("div", { className: map ? "slider" : "slider without-map" });
  const input = create("input", { type: "range", id, min, max, step, ariaLabel: label });
  const output = create("output", { htmlFor: id });
  const reset = create("button", { type: "button", className: "reset", textContent: "×", title: "Reset", ariaLabel: `Reset ${name}` });
  element.append(...(map ? [map] : []), create("label", { htmlFor: id, title, textContent: name }), input, output, reset);
  input.addEventListener("input", () => oninput(Number(input.value)));
  input.addEventListener("change", () => onchange(Number(input.value)));
  input.addEventListener("dblclick", onreset);
  reset.addEventListener("click", () => {
    onreset();
    input.focus();
  });

  const share = (value) => `${(100 * (Math.min(max, Math.max(min, value)) - min)) / (max - min)}%`;
  const update = (value, base, changed) => {
    if (Number(input.value) !== value) input.value = value;
    output.textContent = value.toFixed(2).replace("-0.00", "0.00").replace("-", "−");
    input.style.setProperty("--at", share(value));
    input.style.setProperty("--base", share(base));
    element.classList.toggle("changed", changed);
    reset.disabled = !changed;
  };
  return { element, input, update };
}
