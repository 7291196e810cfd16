"""What a page makes of its server's ends and beginnings, and of a run that trains; in a browser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from playground_client import train
from playground_page import Page, server


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


@pytest.mark.slow
def test_the_page_survives_its_server_and_says_what_happened(run: Path, browser: Any) -> None:
    with server("explore", str(run)) as address:
        page = Page(browser, f"{address}#point=3")
        page.find("#knob-2").fill("1.5")
        before = page.pixels()
    page.find("#banner:has-text('The server has gone')").wait_for()
    port = urlsplit(address).port
    assert f"ganache explore {run} --port {port}" in page.find("#banner").text_content()
    page.find("#knob-2").fill("-1.5")
    assert page.find("#pictures[aria-busy=true]").count() == 1
    with server("explore", str(run), "--port", str(port)) as again:
        assert again != address, "a new server has a new token"
        other = page.context.new_page()
        page.page, dead = other, page.page
        other.goto(again)
        page.find("#banner:has-text('The server was restarted')").wait_for()
        assert np.array_equal(page.pixels(), before), "what was last shown is shown again"
        page.find("#knob-2").fill("-1.5")
        assert not np.array_equal(page.pixels(), before)
        other.goto("about:blank")
        other.goto(again)
        page.settle()
        assert page.find("#banner:visible").count() == 0, "a page that was closed leaves nothing"
        assert "point=0" in other.url
        dead.close()
        refused = ("ERR_CONNECTION_REFUSED", "Unexpected response code: 403")  # Chromium, of each attempt
        page.said = [each for each in page.said if not any(words in each for words in refused)]
        page.close()


@pytest.mark.slow
def test_a_run_is_watched_from_its_beginning(run: Path, browser: Any, tmp_path: Path) -> None:
    young = tmp_path / "young"
    young.mkdir()
    (young / "config.json").write_text((run / "config.json").read_text())
    with server("watch", str(young)) as address:
        page = Page(browser, address)
        page.find(".pace:has-text('The training has begun')").wait_for()
        assert page.find("#stage:visible").count() == 0, "there is nothing to play with yet"
        lines = (run / "log.jsonl").read_text().splitlines(keepends=True)
        (young / "log.jsonl").write_text("".join(lines))
        page.find(".pace:has-text('Step')").wait_for()
        for part in ("samples", "checkpoints"):
            shutil.copytree(run / part, young / part)
        (young / "log.jsonl").write_text("".join(lines) + '{"notice": "seen", "step": 2}\n')
        page.find("li:has-text('Step 2: seen')").wait_for()
        page.when_drawn(page.find("canvas.grid"))
        page.find("#tab-samples").click()  # the training has the whole page, and the sliders are behind the other tabs
        page.find("#knob-2").fill("1.5")
        assert page.pixels().std() > 20
        page.close()
