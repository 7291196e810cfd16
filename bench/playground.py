"""Response times of the playground: an untrained generator at 64x64 with all its changes, with Chromium and without.

    python bench/playground.py [SECONDS] [RECIPE]

RECIPE is `dcgan`, of which 64 dimensions are moved, or a style-based one, of which half of the layers are those of
another latent.

It measures the time from the server's start to the page with its picture; from a slider's move to the picture on the
screen, one move at a time; pictures per second during a drag; and eight pages that drag at once, as plain connections.
The exported page has its own benchmark, page.py. Needs playwright and a Chromium.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright
from websockets.asyncio.client import connect

from ganache import recipe as ganache_recipe
from ganache.cli import main as ganache

MOVED = 64
PAGES = 8

SLIDERS = {
    "a dimension": "#dimensions input[type=range]",
    "a direction": "#directions input[type=range]",
    "the mean": "#knob-mean",
    "the spread": "#knob-std",
}
MOVES = """([seconds, pause, which]) => new Promise((done) => {
  const slider = document.querySelector(which);
  const pictures = document.getElementById('pictures');
  const begun = performance.now();
  const took = [];
  let moved = 0;
  const move = () => {
    moved = performance.now();
    slider.value = Number(slider.max) * (0.5 + 0.4 * Math.sin(took.length));
    slider.dispatchEvent(new Event('input'));
  };
  new MutationObserver(() => {
    took.push(performance.now() - moved);
    if (performance.now() - begun < 1000 * seconds) setTimeout(move, pause + 10 * Math.random());
    else done(took);
  }).observe(pictures, { attributes: true, attributeFilter: ['data-drawn'] });
  move();
})"""
DRAG = """([seconds, which]) => new Promise((done) => {
  const slider = document.querySelector(which);
  const times = [];
  const begun = performance.now();
  new MutationObserver(() => times.push(performance.now() - begun)).observe(
    document.getElementById('pictures'), { attributes: true, attributeFilter: ['data-drawn'] });
  const move = () => {
    const t = (performance.now() - begun) / 1000;
    slider.value = 2 * Math.sin(5 * t);
    slider.dispatchEvent(new Event('input'));
    if (t < seconds) setTimeout(move, 8); // as often as a fast mouse reports
    else done(times);
  };
  move();
})"""


def told(milliseconds: Sequence[float]) -> str:
    """Return the median and the 95th percentile."""
    ranked = sorted(milliseconds)
    median, late = (ranked[int(share * (len(ranked) - 1))] for share in (0.5, 0.95))
    return f"{median:.1f} ms (95 %: {late:.1f} ms, the last of {len(ranked):,}: {ranked[-1]:.1f} ms)"


def started(run: str) -> tuple[subprocess.Popen[str], str, float]:
    """Start the server; return it, its address, and when it printed the address."""
    command = [str(Path(sys.executable).with_name("ganache")), "explore", run, "--no-browser"]
    begun = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    line = server.stdout.readline()  # type: ignore[union-attr]
    print(f"the server prints its address after {time.perf_counter() - begun:.2f} s")
    return server, re.findall(r"http://\S+", line)[0], time.perf_counter()


def in_chromium(browser: Browser, address: str, since: float, seconds: float, styled: bool) -> None:
    """Measure what a user sees in the browser."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    sliders = ",".join(f"{number}:{number / MOVED - 0.5}" for number in range(MOVED))
    page.goto(address if styled else f"{address}#set={sliders}")
    page.locator("#pictures[aria-busy=false]").wait_for()
    print(f"the page has its picture {time.perf_counter() - since:.2f} s after that")
    if not styled:
        page.locator("#ranked:has-text('The most effective first')").wait_for(timeout=120_000)
    there = {name: which for name, which in SLIDERS.items() if page.locator(which).count()}
    for name, which in there.items():
        print(f"from a move of {name} to its picture: {told(page.evaluate(MOVES, [seconds, 30, which]))}")
    drawn = page.evaluate(DRAG, [seconds, next(iter(there.values()))])
    between = [later - earlier for earlier, later in pairwise(drawn)]
    print(f"while dragging: {len(drawn) / seconds:.1f} pictures a second, from one to the next {told(between)}")
    page.close()


async def dragging(address: str, seconds: float, number: int, styled: bool) -> list[float]:
    """Send 60 requests per second, as a page does; return the response time of each picture."""
    sent: dict[int, float] = {}
    took: list[float] = []
    request: dict[str, Any] = {"kind": "picture", "points": [number]}
    request |= {"space": "w", "mixed": [99], "mixed_layers": [5, 9]} if styled else {"dimensions": list(range(MOVED))}
    place, token = address.split("/?")
    async with connect(f"ws{place[4:]}/ws?{token}", origin=place, max_size=None) as page:  # type: ignore[arg-type]

        async def read() -> None:
            async for data in page:
                header = json.loads(data[4 : 4 + int.from_bytes(data[:4], "big")])  # type: ignore[arg-type,index]
                if "shown" in header:
                    took.append(1000 * (time.perf_counter() - sent[header["id"]]))

        reading = asyncio.create_task(read())
        begun = time.perf_counter()
        while (now := time.perf_counter()) - begun < seconds:
            sent[len(sent)] = now
            request |= {"std": now % 1} if styled else {"values": [now % 1] * MOVED}
            message = {"ask": "show", "slot": "picture", "models": [{}], "id": len(sent) - 1, "request": request}
            await page.send(json.dumps(message))
            await asyncio.sleep(1 / 60)
        await asyncio.sleep(1)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    return took


async def at_once(address: str, seconds: float, styled: bool) -> None:
    """Measure one page, and eight at the same time."""
    for pages in (1, PAGES):
        each = await asyncio.gather(*(dragging(address, seconds, number, styled) for number in range(pages)))
        rate = sum(map(len, each)) / pages / seconds
        print(f"{pages} dragging at once: {told([one for took in each for one in took])}, {rate:.1f} a second each")


def main(seconds: str = "8", recipe: str = "dcgan") -> None:
    styled = ganache_recipe(recipe).network.has_mapping()
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/faces"
        ganache(["train", "faces", "--recipe", recipe, "--data.count", "64", "--steps", "1", "--out", run])
        with sync_playwright() as driver:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
            browser.new_page().close()
            server, address, since = started(run)
            try:
                in_chromium(browser, address, since, float(seconds), styled)
                browser.close()
            except BaseException:
                server.terminate()
                raise
        asyncio.run(at_once(address, float(seconds), styled))
        server.terminate()
        server.wait(10)


if __name__ == "__main__":
    main(*sys.argv[1:])
