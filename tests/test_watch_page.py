"""The page of `ganache watch`, and of `explore` on points, in a browser."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image

from ganache.cli import main
from ganache.core.images import Pixels
from ganache.playground import AccessPolicy, Library, application
from ganache.playground.connections import configuration
from ganache.playground.serving import listen
from ganache.runs.folder import samples
from playground_page import Page

STEPS = 20
RING = ["train", "ring8", "--network.hidden", "8", "--batch", "8", "--data.count", "300", "--record.log-every", "1"]
RING += ["--steps", str(STEPS), "--record.sample-every", "5", "--record.checkpoint-every", "10"]
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    """A run on points that has ended."""
    folder = tmp_path_factory.mktemp("watched") / "ring"
    main([*RING, "--out", str(folder)])
    return folder


@contextmanager
def served(*runs: Path, live: bool = True, language: str = "en") -> Iterator[str]:
    """The address of a page of these runs, from a server in a thread."""
    listening = listen("127.0.0.1", 0)
    access = AccessPolicy("127.0.0.1", listening.getsockname()[1])
    app = application(Library([*map(str, runs)], live=live), access, live, language)
    server = uvicorn.Server(configuration(app))
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    running.start()
    try:
        yield access.address
    finally:
        server.should_exit = True
        running.join(20)


@contextmanager
def opened(browser: Any, address: str, **settings: Any) -> Iterator[Page]:
    page = Page(browser, address, **settings)
    yield page
    page.close()


def begun(ring: Path, folder: Path, lines: int) -> Path:
    """The run as it was after its first lines, while it still trained."""
    folder.mkdir()
    shutil.copy(ring / "config.json", folder)
    log = (ring / "log.jsonl").read_text().splitlines(keepends=True)
    (folder / "log.jsonl").write_text("".join(log[:lines]))
    return folder


def in_time(found: Callable[[], Any]) -> Any:
    """What a function returns, as soon as it is true."""
    for _ in range(300):
        if value := found():
            return value
        time.sleep(0.1)
    return found()


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_curves_are_seen_without_scrolling_from_the_first_line_of_the_log(
    screen: dict[str, int], ring: Path, browser: Any, tmp_path: Path
) -> None:
    young = begun(ring, tmp_path / "young", 1)
    with served(young) as address, opened(browser, address, viewport=screen) as page:
        page.find(".chart circle").first.wait_for()
        box = page.find(".chart > svg").first.bounding_box()
        assert box["y"] + box["height"] <= screen["height"]
        assert "critic loss" in page.find(".chart .legend").first.text_content()
        said = page.find(".findings .early")
        assert "Too early to judge; first check soon." in said.text_content()
        colour = "(element) => getComputedStyle(element).color + getComputedStyle(element).backgroundColor"
        assert said.evaluate(colour) == page.find("body").evaluate("(body) => getComputedStyle(body).color") + (
            "rgba(0, 0, 0, 0)"
        )
        assert page.find(".sampled").is_hidden()
        assert page.page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
        with (young / "log.jsonl").open("a") as log:
            log.writelines((ring / "log.jsonl").read_text().splitlines(keepends=True)[1:10])
        page.find(f".pace:has-text('Step 10 of {STEPS} · about')").wait_for()
        assert page.find(".pace").text_content().endswith("left")
        assert "points shown" in page.find(".progress .hint").text_content()


def test_a_finished_run_with_its_samples_so_far(ring: Path, browser: Any) -> None:
    with served(ring) as address, opened(browser, address, viewport=DESK) as page:
        page.find(f".pace:has-text('Finished at step {STEPS}')").wait_for()
        assert page.find("progress").evaluate("(bar) => bar.value") == 1
        canvas, moment = page.find(".sampled canvas"), page.find(".sampled input")
        page.find(".sampled figcaption:has-text('step 20')").wait_for()
        drawn = page.when_drawn(canvas)
        assert_is(drawn, samples(ring)[-1])
        width = canvas.bounding_box()["width"]
        assert width <= 400, "the samples are small beside the curves"
        moment.fill("0")
        page.find(".sampled figcaption:has-text('step 1,')").wait_for()
        in_time(lambda: not np.array_equal(page.drawn(canvas), drawn))
        assert_is(page.drawn(canvas), samples(ring)[0])
        assert moment.get_attribute("aria-valuetext") == "step 1"


def assert_is(drawn: Pixels, file: Path) -> None:
    with Image.open(file) as picture:
        assert np.array_equal(drawn, np.asarray(picture.convert("RGB")))


def test_curves_are_smoothed_and_read_under_the_pointer(ring: Path, browser: Any) -> None:
    with served(ring) as address, opened(browser, address, viewport=DESK) as page:
        page.find(".chart path:not(.raw)").first.wait_for()
        smooth, line = page.page.get_by_label("Smoothing"), page.find(".chart svg svg path:not(.raw)").first
        smooth.fill("0")
        sharp = line.get_attribute("d")
        assert page.find(".chart .raw").count() == 0
        smooth.fill("0.3")
        assert line.get_attribute("d") != sharp
        assert page.find(".chart .raw").count() > 0, "the raw values stay behind"
        reading, plot = page.find(".chart h3 .soft").first, page.find(".chart > svg").first
        assert reading.text_content() == f"step {STEPS}"
        box = plot.bounding_box()
        page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 80)
        (step,) = re.findall(
            r"\d+", in_time(lambda: reading.text_content() != f"step {STEPS}" and reading.text_content())
        )
        assert 7 <= int(step) <= 13


def test_several_runs_share_the_curves(ring: Path, browser: Any, tmp_path: Path) -> None:
    young = begun(ring, tmp_path / "young", 3)
    with served(ring, young) as address, opened(browser, address, viewport=DESK) as page:
        page.find(".legend button:has-text('young · critic loss')").wait_for()
        assert page.find(".legend button:has-text('ring · critic loss')").count() == 1
        page.find(".pace:has-text('Finished')").wait_for()
        page.page.get_by_role("radio", name="young").click()
        page.find(".pace:has-text('Step 3 of')").wait_for()
        assert page.find(".sampled").is_hidden(), "that run has no samples yet"


def test_a_fault_is_told_in_colour(ring: Path, browser: Any, tmp_path: Path) -> None:
    run = begun(ring, tmp_path / "young", 0)
    lines = [json.loads(line) for line in (ring / "log.jsonl").read_text().splitlines()]
    with (run / "log.jsonl").open("w") as log:
        for line in lines:
            log.write(json.dumps(line) + "\n")
        log.write(json.dumps({"step": 20, "event": "non-finite", "notice": "The critic's loss is NaN."}) + "\n")
    with served(run) as address, opened(browser, address, viewport=DESK) as page:
        fault = page.find(".findings .finding.alarm")
        fault.wait_for()
        assert fault.evaluate("(element) => getComputedStyle(element).backgroundColor") == "rgb(250, 228, 224)"
        assert page.find(".findings :is(.early, .fine)").count() == 0


def test_points_are_explored_among_the_real_ones(ring: Path, browser: Any) -> None:
    with served(ring, live=False) as address, opened(browser, f"{address}#point=3&show=0") as page:
        before = page.pixels().astype(int)
        page.find("[id='knob-0'], #dimensions input[type=range]").first.fill("2")
        after = page.pixels().astype(int)
        moved = np.abs(before - after).max(axis=2) > 100
        assert 50 < moved.sum() < 2_500, "one point moves, the others stay"
        real = np.abs(before - (70, 84, 104)).max(axis=2) < 60
        assert real[:, :200].any()
        assert real[:, 280:].any(), "the real points are all around"
        page.find("#panels canvas:not([width='8'])").first.wait_for()
        words = page.page.evaluate("document.body.innerText")
        words = re.sub(r"ganache \S+.*", "", words)
        assert re.findall(r"(?i)\b(?:pictures?|images?|faces?)\b", words) == []
        assert page.find(".drop-hint").is_hidden()
