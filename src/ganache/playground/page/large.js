// The large view: the picture alone, over the whole screen where the browser allows it.

import { find } from "./draw.js";

export function largeView() {
  const { body } = document;
  const on = () => body.classList.contains("large");
  const set = (large) => {
    body.classList.toggle("large", large);
    find("large").setAttribute("aria-pressed", large);
    find("large").textContent = large ? "Leave" : "Large view";
    if (large) document.documentElement.requestFullscreen?.().catch(() => {}); // a browser may refuse
    else if (document.fullscreenElement) document.exitFullscreen();
  };
  const toggle = () => set(!on());
  find("large").addEventListener("click", toggle);
  addEventListener("fullscreenchange", () => document.fullscreenElement || !on() || set(false), true);
  return { on, toggle };
}
