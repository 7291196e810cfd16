"""The documentation site builds without a warning, opens from disk with its search, and asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml

import ganache
from ganache.methods import METHODS

pytestmark = pytest.mark.timeout(900)
ROOT = Path(__file__).resolve().parents[1]
PAGES = ("index", "docs/methods", "docs/api", "docs/training", "docs/gallery/README", "docs/tutorials/pictures")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built by the command that publishes it; a warning ends the build with an error."""
    folder = tmp_path_factory.mktemp("site") / "html"
    done = subprocess.run(
        [ROOT / "scripts" / "site", folder], env=os.environ | {"PYTHON": sys.executable}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder


class Links(HTMLParser):
    """Collects what a page names: its links, what it loads, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            if name == "href" and value and tag == "a":
                self.links.append(value)
            elif name in ("src", "href", "srcset") and value:
                self.loaded.append(value)


def targets(page: Path, links: list[str]) -> Iterator[tuple[Path, str]]:
    """Yield the file and the anchor of each link inside the site."""
    for link in links:
        parts = urlsplit(link)
        if not parts.scheme:
            yield (page.parent / unquote(parts.path)).resolve() if parts.path else page, unquote(parts.fragment)


def test_every_link_of_the_site_leads_to_a_file_and_an_anchor(site: Path) -> None:
    pages = {page.resolve(): Links(page) for page in site.rglob("*.html") if "_downloads" not in page.parts}
    assert len(pages) > 25
    for page, found in pages.items():
        for file, anchor in targets(page, found.links + found.loaded):
            assert file.exists(), f"{page.name}: {file}"
            if anchor and file in pages:
                assert anchor in pages[file].anchors, f"{page.name}: {file.name}#{anchor}"
        for link in found.links:
            parts = urlsplit(link)
            assert (parts.scheme == "https") == bool(parts.netloc), f"{page.name}: {link}"
            assert parts.scheme in ("", "https"), f"{page.name}: {link}"


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert not [each for each in Links(page).loaded if urlsplit(each).netloc], page.name
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(url\(|@import )[\"']?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


def test_every_public_name_and_every_method_has_its_place(site: Path) -> None:
    api = (site / "docs" / "api.html").read_text(encoding="utf-8")
    for name in ganache.__all__:
        assert f'id="ganache.{name}"' in api or f"ganache.{name}</span>" in api, name
    methods = (site / "docs" / "methods.html").read_text(encoding="utf-8")
    sections = re.split(r"<h2>", methods)[1:]
    assert len(sections) == len(METHODS) + 2
    for name, section in zip(METHODS, sections, strict=False):
        assert f">{name}</span>" in section
        terms = re.findall(r"<tr.*?</tr>", section.split("terms", 1)[1].split("constants")[0], re.DOTALL)
        assert len([row for row in terms if "<math" in row]) >= 2, name
    assert "\\log" not in methods
    assert "generated:" not in methods + api


def test_the_site_opens_from_disk_at_any_width_and_asks_nobody(site: Path, browser: Any) -> None:
    for width in (1280, 390):
        context = browser.new_context(viewport={"width": width, "height": 800})
        asked: list[str] = []
        failed: list[str] = []

        def refuse(route: Any, asked: list[str] = asked) -> None:
            asked.append(route.request.url)
            route.abort()

        context.route(re.compile("^(?!file:|data:)"), refuse)
        page = context.new_page()
        page.on("requestfailed", lambda request, failed=failed: failed.append(request.url))
        for name in PAGES:
            page.goto((site / f"{name}.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert not asked
        assert not failed
        context.close()


def test_search_works_from_disk(site: Path, browser: Any) -> None:
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    page.locator("input[name=q]").first.fill("truncation")
    page.locator("input[name=q]").first.press("Enter")
    page.locator("#search-results li a", has_text="The latent lab").first.wait_for()
    page.locator("#search-results li a", has_text="The latent lab").first.click()
    page.wait_for_url(re.compile("docs/lab.html"))
    page.close()


def test_the_first_page_shows_a_picture_and_the_tutorials(site: Path) -> None:
    first = Links(site / "index.html")
    assert any("example" in each for each in first.loaded)
    assert sum("docs/tutorials/" in each for each in first.links) >= 3
    assert (site / "index.html").read_bytes() == (site / "README.html").read_bytes()


def test_the_report_of_the_claims_opens_in_the_browser(site: Path) -> None:
    page = site / "docs" / "claims.html"
    (report,) = {file for file, _ in targets(page, Links(page).links) if file.name == "report.html"}
    assert report.stat().st_size == (ROOT / "docs" / "claims" / "report.html").stat().st_size
    assert not re.search(r'<a[^>]*download[^>]*href="[^"]*report\.html', page.read_text(encoding="utf-8"))


def test_the_workflow_builds_the_site_as_this_test_does() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "docs.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["site"]["steps"]
    assert "scripts/site" in [step.get("run") for step in steps]
    (uploaded,) = [step["with"]["path"] for step in steps if "upload-pages" in step.get("uses", "")]
    assert f"{uploaded}}}" in (ROOT / "scripts" / "site").read_text(encoding="utf-8")
    assert f"/{Path(uploaded).parent}/" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
