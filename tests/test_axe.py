"""Accessibility of the pages by axe-core, which is not part of the project: GANACHE_AXE names its axe.min.js.

npm pack axe-core && tar xzf axe-core-*.tgz package/axe.min.js
GANACHE_AXE=package/axe.min.js pytest tests/test_axe.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ganache.claims.claim import Settings
from ganache.claims.job import Job
from ganache.claims.running import run as run_claims
from ganache.lab.points import Kept
from ganache.runs.folder import keep_names
from playground_client import FACES, train
from playground_page import Page, server
from test_claims import COIN
from test_playground_page import DIGITS

AXE = os.environ.get("GANACHE_AXE", "")
pytestmark = pytest.mark.skipif(not AXE, reason="GANACHE_AXE names no axe.min.js")
THEMES = ("light", "dark")
WIDTHS = ({"width": 1440, "height": 900}, {"width": 390, "height": 844})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("axe")
    train(folder / "faces", FACES)
    train(folder / "digits", DIGITS)
    keep_names(folder / "faces", Kept("me", seeds=(5,)), Kept("smile", vector=(0.6, 0.8, 0.0, 0.0, 0.0, 0.0)))
    return folder


def violations(page: Any) -> list[str]:
    """Return the rule and the element of each violation on a page."""
    page.evaluate(Path(AXE).read_text(encoding="utf-8"))
    found = page.evaluate(
        """async () => {
            const runOnly = ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'];
            const { violations } = await axe.run(document, { runOnly });
            const told = ({ id }, { target, failureSummary }) => `${id}: ${target}: ${failureSummary.slice(0, 200)}`;
            return violations.flatMap((each) => each.nodes.map((node) => told(each, node)));
        }"""
    )
    return list(found)


@pytest.mark.parametrize("viewport", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("theme", THEMES)
def test_the_explorer(browser: Any, folder: Path, theme: str, viewport: dict[str, int]) -> None:
    with server("explore", str(folder / "faces"), str(folder / "digits")) as address:
        page = Page(browser, f"{address}#point=3&show=0,1&set=2:4,20:1", color_scheme=theme, viewport=viewport)
        page.settle()
        page.find("#ranked:has-text('most effective first')").wait_for()
        found = {}
        for tab in page.find("[role=tab]:visible").all():
            tab.click()
            page.page.wait_for_timeout(400)
            found[tab.inner_text()] = violations(page.page)
        page.page.keyboard.press("?")
        found["help"] = violations(page.page)
        page.context.close()
    assert not any(found.values()), found


@pytest.mark.parametrize("theme", THEMES)
def test_the_live_page(browser: Any, folder: Path, theme: str) -> None:
    with server("watch", str(folder / "faces")) as address:
        page = Page(browser, address, color_scheme=theme)
        page.find("#panel-training:not(:empty)").wait_for()
        page.page.wait_for_timeout(1500)
        found = violations(page.page)
        page.context.close()
    assert not found


@pytest.fixture(scope="module")
def written(folder: Path) -> dict[str, Path]:
    """The pages that are written for readers."""
    from ganache.cli import main

    coin = Job.create(COIN, Settings(seeds=1), folder / "claims")
    run_claims([coin], folder / "claims", lambda line: None)
    main(["evaluate", str(folder / "digits"), "-n", "100", "--features", "pixels"])
    main(["report", str(folder / "faces"), str(folder / "digits"), "--out", str(folder / "report.html")])
    main(["article", str(folder / "faces"), "--out", str(folder / "article")])
    names = ("claims/report.html", "report.html", "article/index.html")
    return {name: folder / name for name in names}


@pytest.mark.parametrize("viewport", WIDTHS, ids=lambda size: str(size["width"]))
@pytest.mark.parametrize("theme", THEMES)
def test_the_written_pages(browser: Any, written: dict[str, Path], theme: str, viewport: dict[str, int]) -> None:
    found = {}
    for name, file in written.items():
        context = browser.new_context(offline=True, color_scheme=theme, viewport=viewport, bypass_csp=True)
        page = context.new_page()
        page.goto(file.as_uri())
        for closed in page.locator("summary").all():
            closed.click()
        found[name] = violations(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"], name
        context.close()
    assert not any(found.values()), found


@pytest.mark.parametrize("theme", THEMES)
def test_the_exported_page(browser: Any, folder: Path, theme: str) -> None:
    from ganache.cli import main

    file = folder / "page.html"
    if not file.exists():
        main(["export", str(folder / "digits"), "--html", str(file)])
    context = browser.new_context(offline=True, color_scheme=theme)
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator("#picture[aria-busy=false]").wait_for(state="visible")
    found = violations(page)
    context.close()
    assert not found
