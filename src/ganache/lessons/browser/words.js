// The page's own words, in the language of its reader.

let known = {};

export function setWords(words) {
  known = words;
}

/** The words of a key, with values put in place of {names}. */
export function t(key, values = {}) {
  return (known[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}
