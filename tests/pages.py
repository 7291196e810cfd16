"""A check of HTML pages for tests."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Parses a page and asserts that tags are closed in order and that nothing is loaded from elsewhere."""

    void = frozenset({"meta", "img", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.images = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.void:
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and value:
                assert value.startswith(("data:", "#")), value
                self.images += value.startswith("data:image/")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
