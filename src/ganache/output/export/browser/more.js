// A fade at the edge beyond which an element can be scrolled. The playground serves this file too.

const EDGE = 4; // pixels that count as nothing

/** Mark an element that scrolls by the class `more-below` or `more-right` while it has more there; the styles fade it. */
export function markMore(element) {
  const mark = () => {
    const { scrollTop, clientHeight, scrollHeight, scrollLeft, clientWidth, scrollWidth } = element;
    element.classList.toggle("more-below", scrollTop + clientHeight < scrollHeight - EDGE);
    element.classList.toggle("more-right", scrollLeft + clientWidth < scrollWidth - EDGE);
  };
  element.addEventListener("scroll", mark, { passive: true });
  const watched = new ResizeObserver(mark);
  for (const each of [element, ...element.children]) watched.observe(each);
}
