"""A check of HTML pages for tests."""

from __future__ import annotations

from html.parser import HTMLParser

SCROLLED = ("wide", "picture")
"""Classes of what may be wider than the page, and scrolls; a <pre> does too."""


class Page(HTMLParser):
    """Parses a page and asserts what holds for every page.

    Tags are closed in order, nothing is loaded from elsewhere, what scrolls is reached by the keyboard, the heading of
    a column or row has words, and the content is in one <main>.
    """

    void = frozenset({"meta", "img", "br", "input"})

    def __init__(self, beside: tuple[str, ...] = ()) -> None:
        """Take a page; `beside`: names of the files next to it that it may show."""
        super().__init__()
        self.beside = beside
        self.open: list[str] = []
        self.images = 0
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.void:
            self.open.append(tag)
        assert tag != "section" or "main" in self.open
        if tag == "pre" or dict(attrs).get("class") in SCROLLED:
            assert dict(attrs).get("tabindex") == "0", tag
        if tag == "th":
            self.words = ""
        for name, value in attrs:
            if name in ("src", "href") and value:
                assert value.startswith(("data:", "#")) or value in self.beside, value
                self.images += value.startswith("data:image/")

    def handle_data(self, data: str) -> None:
        self.words += data.strip()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        assert tag != "th" or self.words, "an empty cell is no heading: <td>"
