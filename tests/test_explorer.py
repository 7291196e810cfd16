"""The explorer as a teacher and a class use it: drags, swipes, typed values, small windows, keys, several runs."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ganache.lab.experiments import Picture
from ganache.lab.points import Kept, Point
from ganache.runs.folder import keep_names
from playground_client import FACES, train
from playground_page import UNDER_40, Page, server
from test_playground_page import DIGITS, THREE, assert_is, made

SWIPE = {"has_touch": True, "viewport": {"width": 390, "height": 600}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    """Two runs with latents of different sizes, the second with classes and codes; names; a picture."""
    folder = tmp_path_factory.mktemp("explorer")
    train(folder / "faces", FACES)
    train(folder / "digits", DIGITS)
    keep_names(folder / "faces", Kept("me", seeds=(5,)), Kept("smile", vector=(0.6, 0.8, 0.0, 0.0, 0.0, 0.0)))
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "given.png")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with server("explore", str(folder / "faces"), str(folder / "digits")) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    opened = Page(browser, f"{address}#point=3&show=0")
    opened.settle()
    yield opened
    opened.close()


def changed(dimension: int | str, value: float) -> Picture:
    return replace(THREE, dimensions=(dimension,), values=(value,))


def on_screen(page: Page) -> NDArray[np.uint8]:
    """The large picture as the screen shows it, with whatever covers it."""
    with Image.open(io.BytesIO(page.find("#pictures .frame").first.screenshot())) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_while_a_slider_is_dragged_the_picture_is_seen(page: Page, folder: Path) -> None:
    page.find("#ranked:text-is('The most effective first; the map shows where each acts.')").wait_for()
    slider, map_ = page.find("#knob-1"), page.find(".slider:has(#knob-1) .map")
    map_.hover()
    page.find("figure.heated").wait_for()
    box, mouse = slider.bounding_box(), page.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.find("#pictures:not(:has(.heated))").wait_for()
    mouse.down()
    mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    assert_is(page.pixels(), made(folder / "faces", changed(1, float(slider.input_value()))))
    dragged = on_screen(page)
    mouse.up()
    mouse.move(0, 0)
    page.page.wait_for_timeout(300)
    assert np.abs(on_screen(page) - dragged).mean() < 1, "nothing lay over it"
    slider.focus()
    assert page.find(".heated").count() == 0, "nor does the keyboard call the heat"
    mouse.move(box["x"] + 0.9 * box["width"], box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(*[map_.bounding_box()[side] + 5 for side in "xy"])
    page.page.wait_for_timeout(400)
    held = page.find(".heated").count()
    mouse.up()
    assert held == 0, "while the button is down the map is not rested on"


@pytest.mark.parametrize("selector", ["#knob-1", "#moment"])
def test_a_swipe_that_begins_on_a_slider_scrolls_and_changes_nothing(browser: Any, address: str, selector: str) -> None:
    opened = Page(browser, f"{address}#point=3&show=0&tab=knobs", **SWIPE)
    opened.settle()
    opened.find("#ranked:has-text('most effective first')").wait_for()
    slider = opened.find(selector)
    slider.evaluate("(slider) => slider.scrollIntoView({block: 'end'})")  # so that there is more to scroll to
    before, url, top = slider.input_value(), opened.page.url, "() => document.querySelector('main').scrollTop"
    scrolled, box = opened.page.evaluate(top), slider.bounding_box()
    touch = opened.context.new_cdp_session(opened.page)

    def send(kind: str, *at: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in at]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = box["x"] + 0.8 * box["width"], box["y"] + box["height"] / 2
    for up in (True, False):
        send("touchStart", (x, y))
        for step in range(1, 9):
            send("touchMove", (x, y - 12 * step if up else y + 12 * step))
        send("touchEnd")
        opened.page.wait_for_timeout(100)
        assert (slider.input_value(), opened.page.url) == (before, url)
        assert opened.page.evaluate(top) != scrolled or not up
        slider.scroll_into_view_if_needed()
        y = slider.bounding_box()["y"] + box["height"] / 2
    send("touchStart", (x, y))
    for step in range(1, 5):
        send("touchMove", (x - 30 * step, y))
    send("touchEnd")
    opened.settle()
    assert slider.input_value() != before, "sideways it moves"
    opened.close()


def test_values_and_seeds_are_typed_and_reset_knows_them_all(page: Page, folder: Path) -> None:
    def type_in(name: str, value: str) -> None:
        field = page.page.get_by_label(name, exact=True)
        field.fill(value)
        field.press("Enter")

    type_in("Value of 2", "4.25")
    assert_is(page.pixels(), made(folder / "faces", changed(2, 4.25)))
    row = page.find(".slider:has(#knob-2)")
    assert row.get_attribute("data-beyond") == "above"
    assert "Beyond" in row.locator(".value").get_attribute("title")
    assert "beyond" in page.find("#knob-2").get_attribute("aria-valuetext")
    type_in("Value of Spread", "-1")
    assert page.page.get_by_label("Value of Spread").input_value() == "0.00"
    type_in("Value of Mean", "0.5")
    page.button("Reset").click()
    assert_is(page.pixels(), made(folder / "faces", THREE))
    assert page.button("Reset").is_disabled()
    page.find("#seed").fill("7")
    page.find("#seed").press("Enter")
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((7,)),))))
    page.find("#seed").fill("-2")
    page.find("#seed").press("Enter")
    assert page.find("#seed").input_value() == "7"


def test_before_and_after(page: Page) -> None:
    plain = page.pixels()
    page.find("#knob-1").fill("2.5")
    after = page.pixels()
    url = page.page.url
    page.page.keyboard.down("b")
    page.find("#before.held").wait_for()
    assert np.array_equal(page.pixels(), plain)
    page.page.keyboard.up("b")
    assert np.array_equal(page.pixels(), after)
    assert page.page.url == url


def test_runs_with_latents_of_other_sizes_go_on_side_by_side(page: Page, browser: Any, folder: Path) -> None:
    opened = Page(browser, f"{page.address.split('#')[0]}#point=3&show=1,0")
    opened.settle()
    opened.find(".whose:text-is('Of digits, step 2')").first.wait_for()
    opened.page.get_by_label("Value of 1", exact=True).fill("2")
    opened.page.get_by_label("Value of 1", exact=True).press("Enter")
    assert_is(opened.pixels(1), made(folder / "faces", changed(1, 2.0)))
    opened.page.evaluate("() => (location.hash = '#point=3&show=1,0&set=20:2.5')")
    opened.find("#where:has-text('1 change')").wait_for()
    assert_is(opened.pixels(0), made(folder / "digits", changed(20, 2.5)))
    assert_is(opened.pixels(1), made(folder / "faces", THREE))
    assert opened.find("figure.lacking .lacks").text_content() == "It has no dimension 20: shown without."
    opened.find("#knob-20").wait_for()
    assert opened.find(".slider:has(#knob-20)").get_attribute("title") == "faces has no dimension 20"
    opened.find("#command:has-text('--dimensions 20')").wait_for()
    assert "faces" not in opened.find("#command").text_content(), "the command names the runs that have it"
    opened.button("use the sliders").click()
    opened.find(".whose:text-is('Of faces, step 2')").first.wait_for()
    opened.page.evaluate("() => (location.hash = '#point=4')")  # an address of both runs, in their order
    opened.find(".whose:text-is('Of faces, step 2')").first.wait_for()
    assert opened.find("#stage figure").count() == 2
    opened.page.evaluate("() => (location.hash = '#point=4&show=0')")
    opened.find("#stage figure >> nth=1").wait_for(state="detached")
    assert "show=0" in opened.page.url
    opened.find("#where:text-is('seed 4')").wait_for()
    opened.page.get_by_role("button", name="New sample").click()
    assert "show=0" in opened.page.url, "a link shows this run alone, although it is the first"
    opened.close()


def test_a_number_that_is_being_typed_is_not_lost_when_the_ranking_arrives(browser: Any, folder: Path) -> None:
    with server("explore", str(folder / "faces")) as address:  # a server that has not ranked anything
        arrived: list[bytes] = []
        opened = Page(browser, "about:blank")
        opened.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: arrived.append(data)))
        opened.address = address
        opened.page.goto(f"{address}#point=3&show=0")
        field = opened.page.get_by_label("Value of 1", exact=True)
        field.fill("2")
        while not any(b'"maps"' in data for data in arrived):
            opened.page.wait_for_timeout(100)
        opened.page.wait_for_timeout(300)  # until the maps are decoded
        assert field.input_value() == "2"
        field.press("Enter")
        opened.find("#ranked:text-is('The most effective first; the map shows where each acts.')").wait_for()
        assert_is(opened.pixels(), made(folder / "faces", changed(1, 2.0)))
        opened.close()


def test_one_dimension_goes_as_far_as_the_sliders_and_the_figure_says_so(page: Page) -> None:
    page.find("#tab-views").click()
    page.find("#view:has-text('from -3 to 3')").wait_for()
    page.find("#view-command:has-text('--reach 3')").wait_for()
    page.find("#view-range").select_option(label="the article's eight values")
    page.find("#view:has-text('from -1.08 to 1.08')").wait_for()


def test_a_sheet_is_enlarged_for_a_projector(page: Page) -> None:
    page.find("#tab-views").click()
    page.find("#view .sheet").wait_for()
    small = page.find("#view .sheet canvas").first.bounding_box()["width"]
    page.button("Enlarge").click()
    page.find("#view:fullscreen").wait_for()
    larger = "(width) => document.querySelector('#view .sheet canvas').offsetWidth > 2 * width"
    page.page.wait_for_function(larger, arg=small)
    page.page.evaluate("() => document.exitFullscreen()")
    page.find("#view:not(:fullscreen)").wait_for()


def test_every_class_is_swept_whichever_is_chosen(browser: Any, address: str) -> None:
    opened = Page(browser, f"{address}#point=3&show=1&class=7&tab=views")
    opened.settle()
    opened.find("#view-dimension").select_option(label="class")
    opened.find("#view th[scope=col]").nth(9).wait_for()
    opened.find("#view button.thumb").nth(4).click()
    opened.find("#where:has-text('class 4')").wait_for()
    opened.page.get_by_role("radio", name="4", exact=True).press("ArrowRight")
    opened.find("#where:has-text('class 5')").wait_for()
    opened.settle()
    opened.close()


def test_the_samples_follow_a_slider_on_demand(page: Page, folder: Path) -> None:
    ninth = page.find("#wall canvas").nth(9)
    page.when_drawn(ninth)
    page.find("#together").check()
    page.find("#knob-1").fill("2.5")
    nine = Picture((Point((9,)),), (1,), (2.5,))
    wanted = made(folder / "faces", nine)
    for _ in range(50):
        if np.abs(page.drawn(ninth) - wanted).mean() < 8:
            break
        page.page.wait_for_timeout(100)
    assert_is(page.drawn(ninth), wanted)
    page.button("Sample of seed 9").first.click()
    assert_is(page.pixels(), wanted)


@pytest.mark.slow
def test_a_given_picture_stays_beside_what_was_found_and_messages_cover_nothing(page: Page, folder: Path) -> None:
    page.find("#file").set_input_files(folder / "given.png")
    given = page.find("figure.given:has-text('likeness')")
    given.wait_for()
    assert "dB" in given.inner_text()
    page.find("#banner:visible").wait_for()
    covered = """() => [...document.querySelectorAll('button, input, select')].filter((each) => {
        const { left, top, right, bottom } = document.getElementById('banner').getBoundingClientRect();
        const box = each.getBoundingClientRect();
        return each.offsetParent && each.id !== 'close-banner' &&
            box.left < right && box.right > left && box.top < bottom && box.bottom > top;
        }).map((each) => each.outerHTML)"""
    assert page.page.evaluate(covered) == []
    page.page.keyboard.press("Escape")
    page.find("#banner").wait_for(state="hidden")
    page.page.keyboard.press("n")
    given.wait_for(state="hidden")
    page.page.keyboard.press("Control+z")
    given.wait_for()
    page.settle()


def test_a_kept_latent_is_a_chip_and_a_kept_direction_a_slider(page: Page, folder: Path) -> None:
    page.button("me").click()
    assert_is(page.pixels(), made(folder / "faces", Picture((Point((5,)),))))
    assert page.find("#along-me").count() == 0
    page.find("#along-smile").fill("2")
    page.settle()
    assert "along=smile:2" in page.page.url


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (844, 390)])
def test_nothing_is_hidden_in_a_small_window(browser: Any, address: str, width: int, height: int) -> None:
    opened = Page(browser, f"{address}#point=3", viewport={"width": width, "height": height})
    opened.settle()
    opened.find("#ranked:has-text('most effective first')").wait_for()
    for tab in opened.find("[role=tab]:visible").all():
        tab.click()
        unreachable = """() => [...document.querySelectorAll('main button, main input, main select, main canvas')]
            .filter((each) => each.offsetParent && !each.closest('.heat, #file')).filter((each) => {
                const scroller = each.closest('#stage, #bench').getBoundingClientRect();
                const box = each.getBoundingClientRect();
                const beside = box.right > scroller.right + 1 || box.left < scroller.left - 1;
                return beside || scroller.bottom > innerHeight + 1;
            }).map((each) => each.outerHTML)"""
        assert opened.page.evaluate(unreachable) == []
    picture = opened.find("#pictures .frame").first.bounding_box()
    assert picture["y"] + picture["height"] <= height
    assert picture["height"] >= 150
    opened.close()


def test_the_large_view_names_and_targets(page: Page) -> None:
    page.page.keyboard.press("f")
    assert page.find("#pictures .frame canvas").first.bounding_box()["height"] > 700
    assert not page.find("#knobs").is_visible()
    page.page.keyboard.press("Escape")
    page.find("#knobs").wait_for()
    play = page.find("#play")
    assert play.get_attribute("aria-label") == "Play the training"
    play.click()
    page.button("Pause").click()
    page.button("Play the training").wait_for()
    page.page.keyboard.press("Control+z")
    small = """() => [...document.querySelectorAll('button, select, summary, input')].filter((each) => {
        const { width, height } = each.getBoundingClientRect();
        const target = each.type === 'checkbox' ? each.closest('label').getBoundingClientRect() : { width, height };
        const shown = each.checkVisibility() && !each.matches('.inline, [type=file]');
        return shown && (target.width < 24 || target.height < 24);
        }).map((each) => each.outerHTML)"""
    for tab in page.find("[role=tab]:visible").all():
        tab.click()
        assert page.page.evaluate(small) == []
    page.settle()


def test_a_picture_is_saved_as_it_is_and_enlarged(page: Page) -> None:
    sizes = []
    for item in ("Picture (PNG)", "Picture, enlarged as on screen (PNG)"):
        page.find("#save summary").click()
        _, data = page.downloaded(page.button(item).click)
        with Image.open(io.BytesIO(data)) as picture:
            sizes.append(picture.size)
    assert sizes == [(16, 16), (1024, 1024)]


@pytest.mark.parametrize("pause", [True, False])
def test_what_was_played_is_one_change_and_undo_stops_it(page: Page, pause: bool) -> None:
    page.find("#moment").fill("0")
    page.settle()
    page.find("#play").click()
    page.page.wait_for_function("() => Number(document.getElementById('moment').value) === 1")
    if pause and page.find("#play").get_attribute("aria-label") == "Pause":
        page.button("Pause").click()
    page.button("Undo").click()
    page.button("Play the training").wait_for()
    page.page.wait_for_timeout(800)  # longer than a checkpoint is shown
    assert page.find("#moment").input_value() == "0"
    page.button("Redo").click()
    assert page.find("#moment").input_value() == "1"
    page.settle()


def test_the_large_view_has_the_slider_that_was_moved_last(page: Page, folder: Path) -> None:
    page.find("#knob-std").fill("0.7")
    page.button("Large view").click()
    remote = page.find("#remote input")
    assert remote.input_value() == "0.7"
    remote.fill("0.4")
    assert_is(page.pixels(), made(folder / "faces", replace(THREE, std=0.4)))
    page.find("#remote select").select_option(label="Dimension 2")
    remote.fill("2")
    assert_is(page.pixels(), made(folder / "faces", replace(THREE, std=0.4, dimensions=(2,), values=(2.0,))))
    page.page.keyboard.press("Control+z")
    assert float(remote.input_value()) != 2, "it follows"
    page.button("Leave").click()
    page.settle()


PHONE = {"is_mobile": True, "has_touch": True}


@pytest.mark.parametrize(("width", "height", "show"), [(360, 640, ""), (390, 844, "show=0"), (844, 390, "show=1")])
def test_a_phone(browser: Any, address: str, width: int, height: int, show: str) -> None:
    opened = Page(browser, f"{address}#point=3&{show}", viewport={"width": width, "height": height}, **PHONE)
    opened.settle()
    opened.find("#ranked:has-text('most effective first')").wait_for()
    for tab in opened.find("[role=tab]:visible").all():
        tab.tap()
        assert opened.page.evaluate(UNDER_40) == []
    opened.find("#tab-knobs").tap()
    slider = opened.find("#dimensions .slider").first
    slider.locator(".map").tap()
    opened.find(".heated").wait_for()
    assert "changes a pixel by" in opened.find("#ranked").text_content()
    slider.locator("label").tap()
    assert not opened.find(".heated").count()
    if width < height:
        opened.find("#save summary").tap()
        opened.find("#save-link").tap()
        assert opened.page.evaluate("() => navigator.clipboard.readText()") == opened.page.url
    opened.find("#help").tap()
    assert opened.find("#help-box").evaluate("(box) => box.scrollTop") == 0
    opened.find("#help-box button").tap()
    opened.find("#large").tap()
    pictures = [canvas.bounding_box() for canvas in opened.find("#pictures .frame > canvas:first-child").all()]
    assert pictures[0]["height"] > 0.5 * min(width, height) / len(pictures)
    end = 0
    for box in (*pictures, opened.find("#time").bounding_box(), opened.find("#remote").bounding_box()):
        assert box["y"] >= end, "nothing lies over another"
        end = box["y"] + box["height"]
        assert box["y"] + box["height"] <= height
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    opened.settle()
    opened.close()
