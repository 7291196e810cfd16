// A run of points in the plane: the page calls them points, and hides what needs a picture file.

import { find, make } from "./draw.js";

const LEGEND = { real: "real points", generated: "generated points", chosen: "this point" };
const WORDS = [
  [/Picture( with captions)? \(PNG\)/g, "Plot$1 (PNG)"],
  [/pictures/g, "points"],
  [/picture/g, "point"],
  [/Pictures/g, "Points"],
  [/Picture/g, "Point"],
];
const SAID = ["title", "aria-label", "placeholder"];

/** Say "point" for "picture" in all that the page says, now and later; and what the colours of the points mean. */
export function sayPoints() {
  document.body.classList.add("points");
  const names = Object.entries(LEGEND).map(([kind, words]) => make("span", { class: kind }, words));
  find("pictures").after(make("p", { class: "of-points" }, ...names));
  reword(document.body);
  const watching = new MutationObserver((changes) => changes.forEach(({ target, addedNodes }) => [target, ...addedNodes].forEach(reword)));
  watching.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SAID });
}

function reword(node) {
  if (node.nodeType === Node.TEXT_NODE) {
    if (node.parentElement?.closest("code, .name, option, #run")) return; // names and commands stay
    const said = worded(node.data);
    if (said !== node.data) node.data = said;
  }
  if (node.nodeType !== Node.ELEMENT_NODE) return;
  for (const name of SAID.filter((each) => node.hasAttribute(each))) {
    const said = worded(node.getAttribute(name));
    if (said !== node.getAttribute(name)) node.setAttribute(name, said);
  }
  node.childNodes.forEach(reword);
}

function worded(text) {
  return WORDS.reduce((said, [word, other]) => said.replace(word, other), text);
}
