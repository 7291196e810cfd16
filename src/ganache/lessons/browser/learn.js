// The page of lessons: the list, a lesson with its text, and the stage on which its scenes move.

import { find, make } from "./draw.js";
import "./language.js";
import { Live, Recorded } from "./source.js";
import { Stage } from "./stage.js";
import { setWords, t } from "./words.js";

const banner = find("banner");
let hello = null;
let stage = null;
let shown = null;

const inside = JSON.parse(find("recording")?.textContent ?? "null"); // in a file that has everything inside
const source = inside ? new Recorded(inside.lessons) : new Live({ hello: begin, lost, error: say });
if (inside) begin(inside);

function begin(header) {
  banner.hidden = true;
  if (hello) return stage?.refresh(); // the connection is back: the server has a new stage
  hello = header.hello;
  setWords(hello.words);
  document.documentElement.lang = hello.language;
  find("theme").title = find("theme").ariaLabel = t("theme");
  find("theme").addEventListener("click", changeTheme);
  const items = hello.lessons.map(({ name, title }) => make("li", {}, make("a", { href: `#${name}` }, title)));
  find("list").ariaLabel = t("lessons");
  find("list").append(make("ol", {}, ...items));
  addEventListener("hashchange", route);
  route();
}

function lost(reason) {
  if (hello) say(reason || t("gone"));
}

function say(sentence) {
  banner.firstChild.textContent = sentence;
  banner.hidden = !sentence;
}

function changeTheme() {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  stage?.draw();
}

/** Show the lesson that the address names; positions of its knobs may follow. */
function route() {
  const [name, positions] = decodeURIComponent(location.hash.slice(1)).split("/");
  const place = Math.max(0, hello.lessons.findIndex((each) => each.name === name));
  const lesson = hello.lessons[place];
  const wanted = positions?.split(",").map(Number) ?? [];
  const fits = wanted.length === lesson.knobs.length && wanted.every((at, k) => Number.isInteger(at) && at >= 0 && at < lesson.knobs[k].choices.length);
  if (shown === lesson && fits && stage.positions.join() === wanted.join()) return;
  show(lesson, place, fits ? wanted : lesson.knobs.map(({ start }) => start));
}

function show(lesson, place, positions) {
  stage?.close();
  const first = shown === null;
  shown = lesson;
  document.title = `${lesson.title} · ganache`;
  for (const [k, link] of [...find("list").querySelectorAll("a")].entries()) {
    if (k === place) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    else link.removeAttribute("aria-current");
  }
  stage = new Stage(source, lesson, positions, { say, moved });
  const page = (k, word) => {
    const other = hello.lessons[k];
    return other ? make("a", { href: `#${other.name}` }, `${t(word)}: ${other.title}`) : make("span");
  };
  const answer = make("details", {}, make("summary", {}, t("answer")), html(lesson.answer));
  find("lesson").replaceChildren(
    make("h2", {}, lesson.title),
    html(lesson.text),
    stage.element,
    make("section", { class: "prose boxed" }, html(lesson.question), answer),
    make("section", { class: "prose boxed" }, html(lesson.take)),
    make("div", { class: "pager prose" }, page(place - 1, "previous"), page(place + 1, "next")),
  );
  stage.open();
  if (first) return;
  scrollTo(0, 0);
  find("lesson").focus({ preventScroll: true });
}

/** Keep the positions of the knobs in the address. */
function moved(positions) {
  history.replaceState(null, "", `#${shown.name}${positions.length ? `/${positions.join(",")}` : ""}`);
}

/** Text of a lesson: HTML that the server made from Markdown, without any of the author's own. */
function html(text) {
  const box = make("div", { class: "prose" });
  box.innerHTML = text;
  return box;
}

addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea, button, a, summary, [role='radio'], svg") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (stage?.key(event.key)) event.preventDefault();
});
addEventListener("resize", () => stage?.draw());
