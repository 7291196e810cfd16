"""The exported page in a browser, opened from disk and offline: its pictures are PyTorch's, and every control works."""

from __future__ import annotations

import base64
import copy
import hashlib
import io
import json
import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from ganache.core.rendering import Model, render
from ganache.errors import ExportError
from ganache.functional.latents import from_seeds, shifted_prior
from ganache.lab.experiments import Picture
from ganache.lab.points import Kept, Point
from ganache.lab.serialisation import command, from_json, resolve_names
from ganache.output.export import runtime, to_html
from ganache.output.export.graph import compare, graph, style_graphs
from ganache.output.export.half import halve
from ganache.output.export.page import MODULES, join_modules, read_text, small_graphs
from ganache.types import Prior
from playground_page import UNDER_40
from test_export import model_of, operators_read_once  # noqa: F401

COLOUR = Model(model_of("dcgan", (3, 24, 32), Prior(20)).generator, Prior(20, "normal"), "colour")
GREY = Model(
    model_of("infogan", (1, 28, 28), Prior(12, categories=3, continuous=2)).generator,
    Prior(12, "uniform", categories=3, continuous=2),
    "grey <&> odd",
)
STYLED = model_of("style", (3, 16, 16), Prior(6))
KEPT = {"smile": Kept("smile", vector=(0.6, 0.8, *[0.0] * 18)), "me": Kept("me", seeds=(3, 17))}


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name} page.html" for name in ("colour", "grey", "styled")}
    files["colour"].write_text(to_html(COLOUR, "", KEPT), encoding="utf-8")
    files["grey"].write_text(to_html(GREY, "A <title> & more"), encoding="utf-8")
    files["styled"].write_text(to_html(STYLED), encoding="utf-8")
    return files


class Opened:
    """A page opened from disk, offline. Console messages and network requests are recorded."""

    def __init__(self, browser: Any, file: Path, hash: str = "", **settings: Any) -> None:
        self.context = browser.new_context(offline=True, accept_downloads=True, **settings)
        self.page = self.context.new_page()
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri() + hash)
        self.settle()
        self.own = file.as_uri()

    def pixels(self) -> NDArray[np.uint8]:
        """Return the pixels of the large picture, [H, W, 3], once it is up to date."""
        self.settle()
        url = self.page.evaluate("() => document.getElementById('picture').toDataURL('image/png')")
        with Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))) as picture:
            return np.asarray(picture.convert("RGB"))

    def settle(self) -> None:
        self.page.locator("#picture[aria-busy=false]").wait_for(state="visible")

    def count(self) -> int:
        return int(self.page.evaluate("() => Number(document.body.dataset.pictures)"))

    def slide(self, name: str, value: float) -> None:
        slider = self.page.get_by_label(name, exact=True)
        slider.fill(str(value))

    def text(self, id: str) -> str:
        return str(self.page.locator(f"#{id}").text_content())

    def close(self) -> None:
        """Close the page, and assert that it had no errors and requested only its own file."""
        assert self.messages == []
        assert [url for url in self.requests if not url.startswith(("data:", "blob:"))] == [self.own]
        self.context.close()


def assert_same(shown: NDArray[np.uint8], model: Model, z: torch.Tensor) -> None:
    ours = np.broadcast_to(render(model.generator, z)[0], shown.shape)
    assert np.abs(shown.astype(int) - ours.astype(int)).max() <= 2
    assert ours.std() > 5  # not a blank picture


def assert_request_gives(opened: Opened, model: Model, z: torch.Tensor) -> None:
    """Assert that the saved request gives these latents, and that the command on the page is the same request."""
    with opened.page.expect_download() as download:
        opened.page.get_by_role("button", name="Save request").click()
    request = from_json(Path(download.value.path()).read_text())
    assert isinstance(request, Picture)
    torch.testing.assert_close(resolve_names(request, KEPT).latents(model), z, atol=1e-4, rtol=0)
    words = opened.page.locator("#command").text_content().split()
    assert list(map(plain, words)) == list(map(plain, command(request, ["RUN"])))


def plain(word: str) -> str | float:
    with suppress(ValueError):
        return float(word)
    return word


def test_pictures_are_pytorchs_for_the_same_seed_and_address(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["colour"], "#seed=17&mean=0.3&std=0.5&d4=-1.25&sefa1=2&kept-smile=1.5")
    z = from_seeds(shifted_prior(COLOUR.prior, 0.3, 0.5), [17])
    z[0, 4] = -1.25
    z[0, :2] += 1.5 * torch.tensor([0.6, 0.8])
    about = json.loads(opened.page.locator("#about").text_content())
    (sefa,) = [each["vector"] for each in about["directions"] if each["key"] == "sefa1"]
    z += 2 * torch.tensor(sefa)
    assert_same(opened.pixels(), COLOUR, z)
    assert_request_gives(opened, COLOUR, z)
    opened.page.get_by_role("button", name="Reset", exact=True).click()
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [17]))
    assert opened.page.url.endswith("#seed=17")
    opened.close()


def test_classes_codes_and_uniform_latents(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["grey"], "#seed=5")
    assert opened.page.title() == "A <title> & more"
    z = from_seeds(GREY.prior, [5])
    assert_same(opened.pixels(), GREY, z)
    opened.page.get_by_role("radio", name="2").check(force=True)
    opened.slide("Code 2", 0.5)
    z = from_seeds(GREY.prior, [5], [2])
    z[0, -1] = 0.5
    assert_same(opened.pixels(), GREY, z)
    assert_request_gives(opened, GREY, z)
    opened.close()


def test_styles_are_mixed_truncated_and_moved_without_a_server(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["styled"], "#seed=5&std=0.5&cutoff=4&mix-fine=9-3-5&sefa1=2&layers-sefa1=1-2")
    page = opened.page

    def now() -> Picture:
        with page.expect_download() as download:
            page.get_by_role("button", name="Save request").click()
        request = from_json(Path(download.value.path()).read_text())
        assert isinstance(request, Picture)
        words = page.locator("#command").text_content().split()
        assert list(map(plain, words)) == list(map(plain, command(request, ["RUN"])))
        return request

    def assert_shown(request: Picture) -> None:
        view = request.view(STYLED)
        assert_same(opened.pixels(), view, request.latents(view))

    nine, sefa = Point((9,)), Point(("sefa1",))
    whole = Picture((Point((5,)),), directions=(sefa,), steps=(2.0,), std=0.5, space="w", layers=(1, 2))
    whole = replace(whole, mixed=(nine,), mixed_layers=(3, 5), cutoff=4)
    assert now() == whole
    assert_shown(whole)
    page.get_by_role("button", name="Reset", exact=True).click()
    assert_shown(Picture((Point((5,)),), space="w"))
    page.evaluate("scrollTo(0, 0)")
    page.get_by_role("button", name="Seed 7", exact=True).drag_to(page.locator("#style-coarse"))
    page.wait_for_url("**mix-coarse=7-0-1")
    assert_shown(replace(now(), mixed=(Point((7,)),), mixed_layers=(0, 1)))
    page.get_by_label("Last layer of coarse styles").fill("3")
    page.keyboard.press("Enter")
    assert now().mixed_layers == (0, 3)
    assert_shown(now())
    opened.slide("Truncation", 0.3)
    page.locator("#cutoff").fill("2")
    page.keyboard.press("Enter")
    opened.slide("SeFa 2", -3)
    assert (now().std, now().cutoff, now().steps) == (0.3, 2, (-3.0,))
    assert_shown(now())
    page.get_by_role("button", name="Give the coarse styles back").click()
    assert now().mixed == ()
    assert_shown(now())
    assert page.locator("#dimensions-part").is_hidden()
    opened.close()


def test_every_control_works(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["colour"])
    page = opened.page
    first = opened.pixels()
    assert_same(first, COLOUR, from_seeds(COLOUR.prior, [0]))
    seen = [first]

    def differs() -> None:
        seen.append(opened.pixels())
        assert not np.array_equal(seen[-1], seen[-2])

    opened.slide("Mean", 0.8), differs()
    opened.slide("Spread", 0.3), differs()
    page.get_by_role("button", name="Reset Mean").click(), differs()
    page.get_by_label("Spread", exact=True).dblclick(), page.get_by_role("button", name="Undo").is_enabled()
    opened.slide("PCA 1", 3), differs()
    page.get_by_role("button", name="Show all 20").click()
    numbers = [each["number"] for each in json.loads(page.locator("#about").text_content())["dimensions"]]
    opened.slide(f"Dimension {numbers[-1]}", -2.5), differs()
    changed = page.url
    page.get_by_role("button", name="Undo").click(), differs()
    page.keyboard.press("Control+Shift+z"), differs()
    assert page.url == changed
    page.get_by_role("button", name="Seed 7", exact=True).click()
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [7]))
    page.get_by_role("button", name="Later seeds").click()
    page.get_by_role("button", name="Seed 30", exact=True).click()
    page.keyboard.press("ArrowRight")
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [31]))
    page.get_by_label("Seed", exact=True).fill("4294967295")
    page.keyboard.press("Enter")
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [2**32 - 1]))
    page.get_by_role("radio", name="me").check(force=True)
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [3, 17]).mean(dim=0, keepdim=True))
    with page.expect_download() as download:
        page.get_by_role("button", name="Save", exact=True).click()
    assert download.value.suggested_filename == "me.png"
    with Image.open(download.value.path()) as saved:
        assert min(saved.size) >= 512
    page.get_by_role("button", name="New sample", exact=True).click(), differs()
    page.keyboard.press("p")
    assert page.locator("body.pixels").count() == 1
    opened.close()


def test_values_are_typed_reset_knows_them_and_a_swipe_changes_nothing(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["colour"], has_touch=True, viewport={"width": 390, "height": 700})
    page, (number, *_) = opened.page, [each["number"] for each in json.loads(opened.text("about"))["dimensions"]]
    for name, value in ((f"Dimension {number}", 4.5), ("Spread", 0.5)):
        page.get_by_label(f"Value of {name}", exact=True).fill(str(value))
        page.keyboard.press("Enter")
    z = from_seeds(shifted_prior(COLOUR.prior, 0, 0.5), [0])
    z[0, number] = 4.5
    assert_same(opened.pixels(), COLOUR, z)
    page.get_by_role("button", name="Reset", exact=True).click()
    assert_same(opened.pixels(), COLOUR, from_seeds(COLOUR.prior, [0]))
    slider = page.get_by_label("Spread", exact=True)
    slider.scroll_into_view_if_needed()
    box, touch = slider.bounding_box(), opened.context.new_cdp_session(page)
    assert page.locator(".slider label:text-is('Spread')").bounding_box()["x"] < box["x"]
    x, y = box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2
    for kind, up in [("touchStart", 0), *(("touchMove", 10 * step) for step in range(1, 9)), ("touchEnd", None)]:
        points = [] if up is None else [{"x": x, "y": y - up}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    page.wait_for_timeout(100)
    assert float(slider.input_value()) == 1
    with page.expect_download() as download:
        page.get_by_role("button", name="Save 1:1").click()
    with Image.open(download.value.path()) as saved:
        assert saved.size == (32, 24)
    opened.close()


def test_a_large_layer_has_eight_bits_a_weight_and_the_pictures_stay() -> None:
    model = Model(model_of("infogan", (1, 28, 28), Prior(12)).generator, Prior(12), "large")
    large, small = (halve(graph(model), huge).SerializeToString() for huge in (10**9, 256))
    assert len(small) < 0.8 * len(large)
    assert compare(small, model) <= 2


@pytest.mark.slow
def test_a_generator_that_needs_all_bits_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of styles did after half an hour: float16 changed its pictures by 2.5 levels, and no page was written."""
    model = Model(model_of("dcgan", (3, 16, 16), Prior(6)).generator, Prior(6), "steep")
    with torch.no_grad():
        model.generator.body[-2].weight.mul_(1000)  # type: ignore[union-attr,operator]
    shortened = halve(graph(model)).SerializeToString()
    with pytest.raises(ExportError, match="differ from PyTorch's"):
        compare(shortened, model)
    (kept,) = small_graphs(model)
    assert len(kept) > 1.5 * len(shortened)
    assert compare(kept, model) <= 2
    styled = replace(STYLED, generator=copy.deepcopy(STYLED.generator))
    whole = style_graphs(styled)
    monkeypatch.setattr("ganache.output.export.page.style_graphs", lambda _: whole)
    mapping, synthesis = small_graphs(styled)
    assert mapping == whole[0].SerializeToString()
    assert len(synthesis) < 0.7 * len(whole[1].SerializeToString())


def test_while_a_slider_moves_only_the_newest_picture_is_rendered(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(browser, pages["colour"])
    # While a sample of the grid is rendered, not even the first picture of the drag would start.
    opened.page.wait_for_function(
        "() => [...document.querySelectorAll('#wall canvas')].every((each) => each.width === 32)"
    )
    before = opened.count()
    opened.page.evaluate(
        """() => {
            const mean = [...document.querySelectorAll('label')].find((each) => each.textContent === 'Mean').control;
            for (let i = 0; i < 200; i++) {
                mean.value = -1 + i / 100;
                mean.dispatchEvent(new Event('input'));
            }
        }"""
    )
    assert_same(opened.pixels(), COLOUR, from_seeds(shifted_prior(COLOUR.prior, 0.99, 1), [0]))
    assert opened.count() - before == 2  # the first, which had started, and the last
    opened.close()


def test_invalid_parts_of_an_address_are_ignored(browser: Any, pages: dict[str, Path]) -> None:
    opened = Opened(
        browser, pages["grey"], "#seed=-3&mean=NaN&std=&class=77&d999=1&d8=2&sefa1=1e999&kept=%00<script>&x"
    )
    assert_same(opened.pixels(), GREY, from_seeds(GREY.prior, [0]))
    opened.close()


def test_a_phone_is_wide_enough_and_every_control_has_a_name(browser: Any, pages: dict[str, Path]) -> None:
    for name in pages:
        opened = Opened(browser, pages[name], viewport={"width": 360, "height": 740})
        wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert opened.page.evaluate(wide) == 0
        nameless = """() => [...document.querySelectorAll('input, button')].filter((each) =>
            !each.labels?.length && !each.ariaLabel && !each.textContent.trim()).length"""
        assert opened.page.evaluate(nameless) == 0
        opened.close()


@pytest.mark.parametrize("name", ["colour", "grey"])
def test_a_phone_lying_down_shows_the_buttons_and_says_that_there_is_more(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    opened = Opened(browser, pages[name], has_touch=True, is_mobile=True, viewport={"width": 844, "height": 390})
    box = opened.page.get_by_role("button", name="New sample").bounding_box()
    assert box["y"] + box["height"] <= 390
    assert opened.page.locator("#picture").bounding_box()["height"] > 195
    side = opened.page.locator(".side.more-below")
    assert "linear-gradient" in side.evaluate("(side) => getComputedStyle(side).maskImage")
    side.evaluate("(side) => side.scrollTo(0, side.scrollHeight)")
    opened.page.locator(".side:not(.more-below)").wait_for()
    for width, height in ((844, 390), (360, 640)):
        opened.page.set_viewport_size({"width": width, "height": height})
        assert opened.page.evaluate(UNDER_40) == []
    least = opened.page.locator("#dimensions input[type=range]").first.bounding_box()["width"]
    assert least > 80
    opened.close()


def test_seeds_are_pytorchs(browser: Any) -> None:
    page = browser.new_page()
    page.evaluate(f"() => {{ {join_modules(('random', 'latents'))}; window.ofSeed = ofSeed; }}")
    for kind in ("normal", "uniform"):
        for noise in (1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 100, 128, 515):
            prior = Prior(noise + 12, kind, 0.0, 0.7, categories=10, continuous=2)  # type: ignore[arg-type]
            plain = {"kind": kind, "std": 0.7, "noise": noise, "categories": 10, "continuous": 2}
            for seed in (0, 1, 17, 123456789, 2**32 - 1):
                theirs = page.evaluate(
                    """([seed, prior]) => {
                        const { z, category, codes } = window.ofSeed(seed, 0.3, 0.5, prior);
                        return [...z, ...Array.from({ length: 10 }, (_, k) => Number(k === category)), ...codes];
                    }""",
                    [seed, plain],
                )
                ours = from_seeds(shifted_prior(prior, 0.3, 0.5), [seed])[0]
                torch.testing.assert_close(torch.tensor(theirs), ours, atol=2e-6, rtol=1e-6)
    page.close()


def test_each_module_follows_those_that_it_imports() -> None:
    for place, name in enumerate(MODULES):
        needed = re.findall(r'from "\./(\w+)\.js"', read_text(f"{name}.js"))
        assert set(needed) <= set(MODULES[:place])
    whole = join_modules(MODULES)
    assert not re.search(r"^\s*(import|export)\b(?!\()", whole, flags=re.M)
    assert "</script" not in whole + read_text("worker.js")


def test_the_page_carries_its_script_under_the_policys_hash_and_the_runtimes_licence(pages: dict[str, Path]) -> None:
    content = pages["colour"].read_text(encoding="utf-8")
    (script,) = re.findall(r'<script type="module">(.*?)</script>', content, flags=re.S)
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in content
    assert "unsafe-inline" not in content
    assert "://" not in content.split("<body>")[0]
    assert "Permission is hereby granted" in content
    assert runtime.source()["version"] in content
