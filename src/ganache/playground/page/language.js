// The page in another language: what it says in English is replaced, at once and whenever it changes.
//
// The server writes the sentences into the page: English -> the language. In a sentence, a single letter in braces stands
// for a number, {name} for a name or a command, which stays, and any other word for something that is translated too.

const SAID = ["title", "aria-label", "aria-valuetext", "placeholder"];
const KEPT = "code, script, [translate=no]"; // names and commands
const translations = JSON.parse(document.getElementById("words")?.textContent ?? "{}");
const patterns = Object.keys(translations).filter((english) => english.includes("{")).map((english) => ({ english, shape: shapeOf(english) }));

function shapeOf(english) {
  const parts = english.split(/\{(\w+)\}/).map((part, place) => {
    if (place % 2) return `(?<${part}>${part.length === 1 ? "[-−+]?\\d\\S*(?:, \\d+)*" : ".+?"})`;
    return part.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

/** Return a text in the page's language. What is not known stays; parts between " · " are translated one by one. */
export function told(text) {
  const spaced = text.replace(/\s+/g, " ");
  if (Object.hasOwn(translations, spaced)) return translations[spaced]; // an entry with spaces at its ends replaces these, too
  const plain = spaced.trim();
  const parts = plain.split(" · ");
  if (parts.length > 1) return parts.map((part, place) => (place || part.includes(" ") ? told(part) : part)).join(" · "); // a name is first
  return text.replace(text.trim(), () => sentence(plain) ?? text.trim());
}

function sentence(plain) {
  if (Object.hasOwn(translations, plain)) return translations[plain];
  for (const { english, shape } of patterns) {
    const values = shape.exec(plain)?.groups;
    if (values) return translations[english].replace(/\{(\w+)\}/g, (_, key) => (key === "name" ? values[key] : told(values[key])));
  }
  return null;
}

/** Apply `change` to all that the page says, now and later, except inside elements that match `kept`. */
export function reword(change, kept = KEPT) {
  const visit = (node) => {
    if (node.nodeType === Node.TEXT_NODE && !node.parentElement?.closest(kept)) {
      const said = change(node.data);
      if (said !== node.data) node.data = said;
    }
    if (node.nodeType !== Node.ELEMENT_NODE || node.closest(kept)) return;
    for (const name of SAID.filter((each) => node.hasAttribute(each))) {
      const said = change(node.getAttribute(name));
      if (said !== node.getAttribute(name)) node.setAttribute(name, said);
    }
    node.childNodes.forEach(visit);
  };
  visit(document.body);
  const watching = new MutationObserver((changes) => changes.forEach(({ type, target, addedNodes }) => (type === "childList" ? [...addedNodes] : [target]).forEach(visit)));
  watching.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SAID });
}

/** A number as the page's language writes it. */
export function numeral(value) {
  return value.toLocaleString(document.documentElement.lang);
}

if (patterns.length) reword(told);
