// The keyboard in groups of buttons: one stop for Tab, arrow keys inside.

const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Let arrow keys choose in a radiogroup, and Tab stop once: at the chosen button. */
export function arrowKeys(group) {
  const buttons = () => [...group.querySelectorAll('[role="radio"]')];
  const arrange = () => {
    const all = buttons();
    const chosen = all.find((each) => each.getAttribute("aria-checked") === "true") ?? all[0];
    for (const each of all) each.tabIndex = each === chosen ? 0 : -1;
  };
  new MutationObserver(arrange).observe(group, { subtree: true, childList: true, attributeFilter: ["aria-checked"] });
  arrange();
  group.addEventListener("keydown", (event) => {
    const all = buttons();
    const at = all.indexOf(document.activeElement);
    const next = { Home: 0, End: all.length - 1 }[event.key] ?? (event.key in STEPS ? (at + STEPS[event.key] + all.length) % all.length : null);
    if (at < 0 || next === null) return;
    event.preventDefault();
    all[next].focus();
    all[next].click();
  });
}
