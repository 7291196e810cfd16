"""The playground in a browser: every control is used as a person would, against the real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import ganache
from ganache.cli import main
from ganache.core.rendering import render
from ganache.lab.experiments import Picture
from ganache.lab.points import Point
from ganache.lab.serialisation import from_json
from ganache.runs.folder import read_names
from playground_client import FACES, train
from playground_page import Page, server

DIGITS = ["train", "digits", "--size", "16", "--data.count", "60", "--recipe", "infogan"]
THREE = Picture((Point((3,)),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    """Two runs, one of them with categories and codes, and pictures to compare with."""
    folder = tmp_path_factory.mktemp("page")
    train(folder / "faces", FACES)
    train(folder / "digits", DIGITS)
    (folder / "real").mkdir()
    for seed in range(12):
        pixels = np.random.default_rng(seed).integers(0, 256, (16, 16, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "real" / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    words = [str(folder / "faces"), str(folder / "digits"), "--data", str(folder / "real")]
    with server("explore", *words) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    """The page with the first run alone, at seed 3."""
    opened = Page(browser, f"{address}#point=3&show=0")
    opened.settle()
    yield opened
    opened.close()


def made(run: Path, request: Picture, step: str = "last") -> NDArray[np.int64]:
    """What PyTorch makes of it."""
    generator, config, _ = ganache.load_generator(ganache.find_checkpoint(run, step))
    model = ganache.Model(generator, ganache.prior(config), run.name)
    return render(model.generator, request.latents(model))[0].astype(int)


def assert_is(shown: NDArray[np.uint8], picture: NDArray[np.int64]) -> None:
    """It is the picture, but for what JPEG does to noise: other seeds' differ by 40."""
    assert np.abs(shown - picture).mean() < 8


def test_sliders_move_the_picture_and_the_address_is_the_picture(page: Page, folder: Path, browser: Any) -> None:
    run = folder / "faces"
    assert_is(page.pixels(), made(run, THREE))
    page.find("#knob-mean").fill("0.5")
    page.find("#knob-std").fill("0.7")
    assert_is(page.pixels(), made(run, replace(THREE, mean=0.5, std=0.7)))
    page.find("#knob-2").fill("2.4")
    page.find("#along-sefa1").fill("-2")
    changed = page.pixels()
    page.find("#where:text-is('seed 3 · mean 0.5 · spread 0.7 · 2 changes')").wait_for()
    words = page.find("#command:has-text('--steps -2')").text_content().split()
    main([*words[1:], "-o", str(folder / "again.png")])
    request = from_json((folder / "again.json").read_text())
    assert isinstance(request, Picture)
    assert (request.dimensions, request.values, request.steps, request.mean) == ((2,), (2.4,), (-2.0,), 0.5)
    assert_is(changed, made(run, request))
    other = Page(browser, page.page.url)
    assert np.array_equal(other.pixels(), changed)
    other.close()


def test_a_slider_is_dragged_left_alone_and_taken_back(page: Page, folder: Path) -> None:
    first = page.pixels()
    slider = page.find("#knob-1")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    mouse, middle = page.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + box["width"] / 2, middle), mouse.down()
    for part in range(50, 95, 5):
        mouse.move(box["x"] + box["width"] * part / 100, middle)
    mouse.up()
    value = float(slider.input_value())
    assert value > 1.5
    assert_is(page.pixels(), made(folder / "faces", replace(THREE, dimensions=(1,), values=(value,))))
    page.button("Undo").click()
    assert np.array_equal(page.pixels(), first), "the whole way is one change"
    page.page.keyboard.press("Control+Shift+Z")
    slider.press("ArrowLeft")
    page.settle()
    assert float(slider.input_value()) == pytest.approx(value - 0.01)
    page.button("Reset 1").click()
    assert np.array_equal(page.pixels(), first)
    page.find("#along-sefa2").fill("3")
    assert not np.array_equal(page.pixels(), first)
    page.button("Reset").click()
    assert np.array_equal(page.pixels(), first)
    page.button("More directions (SeFa, PCA)").click()
    page.find("#along-pca1").fill("4")
    assert not np.array_equal(page.pixels(), first)
    page.find("#carry").check()
    page.button("New sample").click()
    assert "along=pca1:4" in page.page.url, "changes are carried over"


def test_samples_are_taken_and_pinned(page: Page, folder: Path) -> None:
    page.button("Sample of seed 5").click()
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((5,)),))))
    page.page.keyboard.press("p")
    page.button("More samples").click()
    page.button("Sample of seed 30").click()
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((30,)),))))
    page.button("Pin").click()
    pins = page.find("#pins .thumb")
    assert_is(page.when_drawn(pins.first.locator("canvas")), made(folder / "faces", Picture((Point((5,)),))))
    pins.first.click()
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((5,)),))))
    page.page.reload()
    page.settle()
    assert pins.count() == 2, "pins stay"
    page.button("Unpin seed 5").click(force=True)
    assert pins.count() == 1


def test_two_latents_are_dragged_together(page: Page, folder: Path) -> None:
    page.button("Pin").click()
    page.find("#tab-mix").click()
    page.find("#pins .thumb").drag_to(page.find("#well-a"))
    page.find("#panel-mix .thumbs .thumb").nth(7).drag_to(page.find("#well-b"))
    page.find("#mix-command:text-matches('--points 3 7')").wait_for()
    total = page.find(".results .thumb").first
    assert total.get_attribute("aria-label") == "sum of seed 3 and seed 7"
    made_of_both = page.drawn(total.locator("canvas"))
    total.click()
    assert np.abs(page.pixels().astype(int) - made_of_both).mean() < 2
    page.find("#mix-t").fill("0")
    page.find(".results[aria-busy=false]").wait_for()
    mixture = page.drawn(page.find(".results canvas").last)
    assert np.abs(mixture.astype(int) - page.drawn(page.find("#well-a canvas"))).mean() < 2, "at its beginning it is a"
    page.find("#panel-mix .thumbs .thumb").nth(4).drag_to(page.find("#pictures"))
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((4,)),))))


def test_a_direction_is_taught_and_forgotten(page: Page, folder: Path) -> None:
    page.find("#tab-teach").click()
    make = page.button("Make the direction")
    samples = page.find("#panel-teach .thumb")
    page.when_drawn(samples.last.locator("canvas"))
    for place in (0, 2, 4):
        samples.nth(place).click()
    for place in (1, 3):
        samples.nth(place).dblclick()
    page.find("text=3 with it, 2 without; about five of each are enough. Now give it a name.").wait_for()
    assert make.is_disabled()
    page.find("#teach-name").fill("wide grin")
    assert make.is_enabled()
    samples.nth(4).click(), samples.nth(4).click()
    page.find("text=2 with it, 2 without").wait_for()
    enter = "name.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter' }))"
    at_once = page.find("#teach-name").evaluate(f"(name) => {enter} && document.body.innerText")
    assert "Finding the direction" in at_once
    first = page.pixels()
    page.find("#along-wide-grin:focus").fill("5")
    page.find("#banner:has-text('“wide-grin” is saved in the run')").wait_for()
    assert "Check on 24 other latents" in page.find("#banner").text_content()
    assert len(read_names(folder / "faces")["wide-grin"].vector) == 6
    moved = page.pixels()
    assert not np.array_equal(moved, first)
    drawn = page.find("#pictures").get_attribute("data-drawn")
    samples.nth(5).click()
    page.find("text=3 with it, 2 without").wait_for()
    page.find("#teach-name").press("Enter")
    page.find(f"#pictures:not([data-drawn='{drawn}'])").wait_for()
    assert not np.array_equal(page.pixels(), moved), "the marks stayed; the name stands for the new one"
    page.find("#command:has-text('--directions wide-grin')").wait_for()
    page.button("Show wide-grin").click()
    page.find("#where:text-is('wide-grin')").wait_for()
    page.button("Delete wide-grin").click()
    page.find("#banner:has-text('was deleted')").wait_for()
    assert "wide-grin" not in read_names(folder / "faces")


@pytest.mark.parametrize(
    ("view", "pictures", "picked"),
    [
        ("One dimension", 8, "1 change"),
        ("Truncation", 48, "seed 0 · spread 0.2"),
        ("Averages", 20, "seed 3 · mean -1"),
        ("Map", 1, ""),
        ("Nearest real", 14, ""),
        ("Real and generated", 16, ""),
    ],
)
def test_views(page: Page, view: str, pictures: int, picked: str) -> None:
    page.find("#tab-views").click()
    page.page.get_by_role("radio", name=view, exact=True).click()
    page.find("#view[aria-busy=false]").wait_for()
    assert page.find("#view canvas").count() == pictures
    words = page.find("#view-command:not(:empty)").text_content().split()
    assert words[0] == "ganache"
    name, data = page.downloaded(page.find("#view-save").click)
    assert name.endswith(".png")
    assert data.startswith(b"\x89PNG")
    if picked:
        page.find("#view button.thumb").first.click()
        page.find("#where", has_text=picked).wait_for()
        page.settle()


def test_a_walk_leads_through_the_pins_and_is_saved_in_motion(page: Page) -> None:
    for seed in (1, 2):
        page.button(f"Sample of seed {seed}").click()
        page.button("Pin").click()
    page.find("#tab-views").click()
    page.page.get_by_role("radio", name="Walk", exact=True).click()
    page.find("#view .film").wait_for()
    page.find("#view-command:has-text('--points 1 2')").wait_for()
    page.find("#view-way").select_option("lerp")
    page.find("#view-command:has-text('--way lerp')").wait_for()
    page.find("#view-format").select_option("gif")
    name, data = page.downloaded(page.find("#view-save").click)
    assert (name, data[:3]) == ("walk.gif", b"GIF")


def test_a_picture_becomes_a_latent(page: Page, folder: Path) -> None:
    first = page.pixels()
    with page.page.expect_file_chooser() as chooser:
        page.button("choose a picture").click()
    chooser.value.set_files(folder / "real" / "0.png")
    page.find("figure.given:has-text('dB') canvas").wait_for()
    page.find("#where:text-is('found for 0.png')").wait_for()
    assert not np.array_equal(page.pixels(), first)
    page.button("Close this message").click()
    bad = "() => { const data = new DataTransfer(); data.items.add(new File(['no'], 'no.png')); return data; }"
    page.page.dispatch_event("#pictures", "drop", {"dataTransfer": page.page.evaluate_handle(bad)})
    page.find("#banner:has-text('cannot be used as a picture')").wait_for()


def test_runs_and_moments_side_by_side(page: Page, folder: Path) -> None:
    page.button("Compare with another").click()
    page.settle()
    assert_is(page.pixels(1), made(folder / "faces", THREE, "1"))
    page.find("#pictures select").nth(1).select_option(label="digits, step 2")
    assert_is(page.pixels(1), made(folder / "digits", THREE))
    page.find("#knob-5").fill("2.5")
    assert_is(page.pixels(1), made(folder / "digits", replace(THREE, dimensions=(5,), values=(2.5,))))
    page.button("Remove picture 2").click()
    page.button("Reset").click()
    page.find("#moment").press("ArrowLeft")
    assert_is(page.pixels(), made(folder / "faces", THREE, "1"))
    page.find("#moment-told:text-is('step 1')").wait_for()
    page.button("Play the training").click()
    page.find("#moment-told:text-is('step 2')").wait_for()
    assert_is(page.pixels(), made(folder / "faces", THREE))


def test_classes_and_codes(page: Page, folder: Path) -> None:
    page.find("#pictures select").select_option(label="digits, step 2")
    page.page.get_by_role("radio", name="7", exact=True).click()
    page.find("#knob-code2").fill("1.5")
    wanted = replace(THREE, classes=(7,), dimensions=("code2",), values=(1.5,))
    assert_is(page.pixels(), made(folder / "digits", wanted))
    page.find("#command:has-text('--classes 7')").wait_for()


def test_whatever_is_shown_can_be_saved_and_kept(page: Page, folder: Path) -> None:
    page.find("#knob-2").fill("1.5")
    shown = page.pixels()
    for item, ending in (("Picture (PNG)", b"\x89PNG"), ("Picture with captions (PNG)", b"\x89PNG")):
        page.find("#save summary").click()
        _, data = page.downloaded(page.button(item).click)
        assert data.startswith(ending)
    page.find("#save summary").click()
    _, data = page.downloaded(page.button("Request (JSON)").click)
    request = from_json(data.decode())
    assert isinstance(request, Picture)
    assert_is(shown, made(folder / "faces", request))
    page.find("#save summary").click()
    page.button("Save under a name…").click()
    page.find("#name").fill("mine")
    page.page.keyboard.press("Enter")
    page.find("#banner:has-text('“mine” is saved')").wait_for()
    main(["picture", str(folder / "faces"), "--points", "mine", "-o", str(folder / "mine.png")])
    page.button("Copy link").click()
    page.button("Copied").wait_for()
    assert page.page.evaluate("() => navigator.clipboard.readText()") == page.page.url


def test_the_keyboard_does_it_all(page: Page) -> None:
    keys = page.page.keyboard
    keys.press("n")
    page.find("#where:not(:text-is('seed 3'))").wait_for()
    keys.press("Control+z")
    page.find("#where:text-is('seed 3')").wait_for()
    for number, tab in enumerate(("samples", "mix", "teach", "views"), 1):
        keys.press(str(number))
        page.find(f"#panel-{tab}").wait_for()
    page.find("#tab-views").press("ArrowRight")
    page.find("#panel-samples").wait_for()
    keys.press("?")
    page.find("#help-box").wait_for()
    keys.press("Escape")
    page.find("#help-box").wait_for(state="hidden")
    assert page.downloaded(lambda: keys.press("s"))[0] == "picture.png"


def test_dark_light_and_phone(browser: Any, address: str) -> None:
    ground = "() => getComputedStyle(document.body).backgroundColor"
    seen = set()
    for scheme, width in (("dark", 390), ("light", 360), ("light", 1440)):
        opened = Page(browser, address, color_scheme=scheme, viewport={"width": width, "height": 800})
        opened.settle()
        for tab in opened.find("[role=tab]:visible").all():
            tab.click()
            wide = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert opened.page.evaluate(wide) == 0
            nameless = """() => [...document.querySelectorAll('input, button, select')].filter((each) =>
                each.offsetParent && !each.labels?.length && !each.ariaLabel && !each.textContent.trim()
                ).map((each) => each.outerHTML)"""
            assert opened.page.evaluate(nameless) == []
        before = opened.page.evaluate(ground)
        opened.button("Dark or light").click()
        after = opened.page.evaluate(ground)
        assert before != after
        opened.page.reload()
        assert opened.page.evaluate(ground) == after, "the choice stays"
        seen.add((scheme, before))
        opened.settle()
        opened.close()
    assert len(seen) == 2


def test_seeds_that_a_browser_would_round_are_not_taken(browser: Any, address: str) -> None:
    opened = Page(browser, f"{address}#wall=9007199254740993")
    opened.find('[aria-label="Sample of seed 0"]').first.wait_for()
    opened.close()
    for point in ("9007199254740993", '{"seeds":[9007199254740993]}'):
        opened = Page(browser, f"{address}#point={point}")
        opened.find("#banner").wait_for()
        assert "9007199254740993" in opened.find("#banner").inner_text()
        opened.close()


def test_a_bad_address_is_no_error(browser: Any, address: str) -> None:
    opened = Page(browser, f"{address}#point=-3&mean=NaN&std=&set=x:1,999:2,3:&along=:&show=9,0@77&tab=none&wall=-5")
    opened.find("#banner").wait_for()
    opened.page.keyboard.press("r")
    opened.button("New sample").click()
    opened.settle()
    opened.pixels()
    opened.close()
