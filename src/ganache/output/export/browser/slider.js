// A slider with its name, a field with its value and a button that resets it. The playground serves this file too, and
// the exported page has it inside, so it imports nothing and knows nothing of either page.

/**
 * Make a slider: { element, input, update(value, base, changed) }.
 *
 * title      the tooltip of the name
 * label      the name for screen readers
 * lowest     the least value that can be typed; other values may lie beyond the slider's ends
 * map        an element in front of the name, or null
 * oninput    called with the value while the slider moves; onchange when it has come to rest, or a value was typed
 * onreset    called by the button and by a double click
 *
 * `update` shows a value, marks the value `base` that it has without a change, and says whether it was changed.
 */
export function slider({ name, title = name, label = name, id, min, max, lowest = -1000, step = 0.01, map = null, oninput, onchange, onreset }) {
  const create = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const element = create("div", { className: map ? "slider" : "slider without-map" });
  const input = create("input", { type: "range", id, min, max, step, ariaLabel: label });
  const field = create("input", { type: "number", className: "value", step, ariaLabel: `Value of ${name}` });
  const reset = create("button", { type: "button", className: "reset", textContent: "×", title: "Reset", ariaLabel: `Reset ${name}` });
  element.append(...(map ? [map] : []), create("label", { htmlFor: id, title, textContent: name }), input, field, reset);
  let typing = false;
  let shown = 0;
  const settle = () => {
    typing = false;
    field.value = shown.toFixed(2).replace("-0.00", "0.00");
  };
  input.addEventListener("input", () => oninput(Number(input.value)));
  input.addEventListener("change", () => onchange(Number(input.value)));
  input.addEventListener("dblclick", onreset);
  field.addEventListener("input", () => (typing = true));
  field.addEventListener("blur", settle);
  field.addEventListener("change", () => {
    typing = false;
    if (Number.isFinite(field.valueAsNumber)) onchange(Math.min(1000, Math.max(lowest, field.valueAsNumber)));
    else settle();
  });
  reset.addEventListener("click", () => {
    onreset();
    input.focus();
  });

  const share = (value) => `${(100 * (Math.min(max, Math.max(min, value)) - min)) / (max - min)}%`;
  const update = (value, base, changed) => {
    if (Number(input.value) !== value) input.value = value;
    shown = value;
    if (!typing) settle();
    element.dataset.beyond = value > max ? "above" : value < min ? "below" : "";
    const { beyond } = element.dataset;
    input.ariaValueText = beyond ? `${value.toFixed(2)}, beyond the slider's end` : value.toFixed(2);
    field.title = beyond ? `Beyond the slider's end, ${value > max ? max : min}` : "Type a value";
    input.style.setProperty("--at", share(value));
    input.style.setProperty("--base", share(base));
    element.classList.toggle("changed", changed);
    reset.disabled = !changed;
  };
  return { element, input, update };
}

const SIDEWAYS = 8; // pixels after which a touch is one that moves a slider

/**
 * Let a swipe that begins on a slider scroll the page and change nothing.
 *
 * A browser moves the slider as soon as a finger touches it. Here it moves when the finger goes sideways or is lifted; if
 * the browser takes the touch to scroll, the value is as before.
 */
export function guardTouch() {
  let held = null; // the touch whose direction is not known yet
  const free = () => {
    const { input, before } = held;
    held = null;
    if (input.value !== before) input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const listen = (name, call) => addEventListener(name, call, true);
  listen("pointerdown", ({ pointerType, target, clientX, clientY }) => {
    held = pointerType === "touch" && target.type === "range" ? { input: target, before: target.value, x: clientX, y: clientY } : null;
  });
  listen("pointermove", ({ clientX, clientY }) => {
    if (!held || held.lost) return;
    const across = Math.abs(clientX - held.x);
    if (across > SIDEWAYS && across > Math.abs(clientY - held.y)) free();
  });
  listen("pointerup", () => held && !held.lost && free());
  listen("pointercancel", () => {
    if (!held) return;
    const lost = (held = { ...held, lost: true });
    lost.input.value = lost.before;
    setTimeout(() => {
      lost.input.value = lost.before;
      if (held === lost) held = null;
    });
  });
  for (const name of ["input", "change"]) {
    listen(name, (event) => held?.input === event.target && event.stopImmediatePropagation());
  }
}
