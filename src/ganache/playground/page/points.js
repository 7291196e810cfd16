// A run of points in the plane: the page calls them points, and hides what needs a picture file.

import { find, make } from "./draw.js";
import { reword, told } from "./language.js";

const LEGEND = { real: "real points", generated: "generated points", chosen: "this point" };
const WORDS = [
  ["Picture (PNG)", "Plot (PNG)"],
  ["Picture with captions (PNG)", "Plot with captions (PNG)"],
  ["pictures", "points"],
  ["picture", "point"],
  ["Pictures", "Points"],
  ["Picture", "Point"],
];

/** Say "point" for "picture" in all that the page says, now and later; and what the colours of the points mean. */
export function sayPoints() {
  document.body.classList.add("points");
  const names = Object.entries(LEGEND).map(([kind, words]) => make("span", { class: kind }, words));
  find("pictures").after(make("p", { class: "of-points" }, ...names));
  const words = WORDS.map((pair) => pair.map(told));
  reword((text) => words.reduce((said, [word, other]) => said.replaceAll(word, other), text), "code, option, script, [translate=no]");
}
