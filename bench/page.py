"""Pictures per second in the exported page while a slider is dragged: an untrained `dcgan` at 64x64, in Chromium.

    python bench/page.py [SECONDS]

It also measures the size of the file, the time of the export, and the time until the page shows its first picture. The
page is opened from disk, offline. Needs playwright and a Chromium.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import sync_playwright

import ganache

DRAG = """(seconds) => new Promise((done) => {
  const slider = [...document.querySelectorAll('label')].find((each) => each.textContent === 'PCA 1').control;
  const times = [];
  const watch = new MutationObserver(() => times.push(performance.now()));
  watch.observe(document.body, { attributes: true, attributeFilter: ['data-pictures'] });
  const begun = performance.now();
  const move = () => {
    const t = (performance.now() - begun) / 1000;
    slider.value = 4 * Math.sin(5 * t);
    slider.dispatchEvent(new Event('input'));
    if (t < seconds) setTimeout(move, 8); // as often as a fast mouse reports
    else done(times.map((each, i) => each - (times[i - 1] ?? begun)));
  };
  move();
})"""


def exported(file: Path) -> str:
    """Export the page of an untrained generator."""
    config = ganache.recipe("dcgan")
    torch.manual_seed(0)
    generator = config.network.generator((3, 64, 64)).eval()
    begun = time.perf_counter()
    file.write_text(ganache.to_html(ganache.Model(generator, ganache.prior(config), "dcgan")), encoding="utf-8")
    return f"export: {time.perf_counter() - begun:.1f} s, {file.stat().st_size / 1e6:.1f} MB"


def dragged(browser: Any, file: Path, seconds: float) -> str:
    """Return the time of the first picture, and the intervals between pictures during a drag."""
    page = browser.new_context(offline=True).new_page()
    begun = time.perf_counter()
    page.goto(file.as_uri())
    page.locator("#picture").wait_for(state="visible")
    first = time.perf_counter() - begun
    page.wait_for_timeout(3000)  # the wall
    between = sorted(page.evaluate(DRAG, seconds))
    median, late = (between[int(share * (len(between) - 1))] for share in (0.5, 0.95))
    return (
        f"first picture after {first:.2f} s; {len(between) / seconds:.1f} pictures a second, "
        f"{median:.0f} ms from one to the next (95 %: {late:.0f} ms)"
    )


def main(seconds: float = 10.0) -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        file = Path(folder) / "model.html"
        print(exported(file), flush=True)
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for _ in range(3):
            print(dragged(browser, file, seconds), flush=True)
        browser.close()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
