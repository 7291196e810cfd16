"""The playground as a person has it: its server in a process of its own, its page in a browser."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

GANACHE = str(Path(sys.executable).with_name("ganache"))

UNDER_40 = """() => [...document.querySelectorAll('button, select, summary, input, .choice span')].filter((each) => {
    const { width, height } = (each.type === 'checkbox' ? each.closest('label') : each).getBoundingClientRect();
    const part = each.matches('.away, .sheet .thumb, .choice input, [type=file]'); // on pictures, in labels
    const shown = each.checkVisibility({ visibilityProperty: true }) && !part;
    return shown && (width < (each.matches('.inline') ? 0 : 40) || height < (each.matches('.inline') ? 38 : 40));
    }).map((each) => each.outerHTML)"""
"""A script: the controls that are too small for a finger, as HTML."""


@contextmanager
def server(*words: str) -> Iterator[str]:
    """`ganache explore` or `watch` with these words, at the address that it printed."""
    started = subprocess.Popen([GANACHE, *words, "--no-browser"], stdout=subprocess.PIPE, text=True)
    try:
        line = started.stdout.readline()  # type: ignore[union-attr]
        found = re.search(r"http://[\w.:]+/\?token=[\w-]+", line)
        assert found, line
        yield found.group()
    finally:
        started.terminate()
        started.wait(20)


class Page:
    """A page in a context of its own; what it says to the console and whom it asks is written down."""

    def __init__(self, browser: Any, address: str, **settings: Any) -> None:
        self.address = address
        self.context = browser.new_context(**({"viewport": {"width": 1440, "height": 1000}} | settings))
        self.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.goto(address)

    def find(self, selector: str, **more: Any) -> Any:
        return self.page.locator(selector, **more)

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def slide(self, name: str, value: float) -> None:
        """Move a slider by its name, as the keyboard or a finger would end it."""
        self.page.get_by_label(name, exact=True).fill(str(value))

    def settle(self) -> None:
        """Wait until the picture is the one that was last asked for."""
        self.find("#pictures[aria-busy=false]").wait_for()

    def pixels(self, place: int = 0) -> NDArray[np.uint8]:
        """Of a large picture, [H, W, 3]."""
        self.settle()
        return self.drawn(self.find("#pictures .frame > canvas:first-child").nth(place))

    def drawn(self, canvas: Any) -> NDArray[np.uint8]:
        url = canvas.evaluate("(canvas) => canvas.toDataURL('image/png')")
        with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
            return np.asarray(picture.convert("RGB"))

    def when_drawn(self, canvas: Any) -> NDArray[np.uint8]:
        """When a canvas has got its picture: until then it is 8 by 8."""
        canvas.locator("xpath=self::*[not(@width='8')]").wait_for()
        return self.drawn(canvas)

    def downloaded(self, click: Any) -> tuple[str, bytes]:
        """The name and the bytes of what a click saves."""
        with self.page.expect_download() as coming:
            click()
        return coming.value.suggested_filename, Path(coming.value.path()).read_bytes()

    def close(self) -> None:
        """Nothing was wrong, and nobody but the page's own host was asked for anything."""
        assert self.said == []
        own = re.escape(self.address.split("/")[2])
        assert [url for url in self.asked if not re.match(rf"(http|ws)://{own}/|data:|blob:", url)] == []
        self.context.close()
