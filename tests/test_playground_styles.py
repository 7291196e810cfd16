"""The playground of a style-based generator: truncation, mixed styles, directions of some layers, noise, inversion."""

from __future__ import annotations

import io
import json
import shlex
import signal
import subprocess
import time
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
from ganache.lab.points import Kept, Point
from ganache.lab.serialisation import from_json, resolve_names
from ganache.runs.folder import read_names
from playground_client import FACES, ORIGIN, SOCKET, ask, client, received, reply, train
from playground_page import GANACHE, UNDER_40, Page, server
from test_playground import packed
from test_playground_page import assert_is

STYLE = ["train", "faces", "--recipe", "style-small", "--size", "16", "--data.count", "30", "--network.z-dim", "6"]
LAYERS = 6
THREE = Picture((Point((3,)),), space="w")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Path:
    folder = tmp_path_factory.mktemp("styles")
    gentle = ["--generator-optimiser.lr", "0.01"]  # so that JPEG, which pages get, shows the pictures well
    train(folder / "style", STYLE, "--network.w-dim", "5", *gentle)
    train(folder / "plain", FACES)
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with server("explore", str(folder / "style"), str(folder / "plain")) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    opened = Page(browser, f"{address}#point=3&show=0")
    opened.settle()
    yield opened
    opened.close()


def made(run: Path, request: Picture) -> NDArray[np.int64]:
    generator, config, _ = ganache.load_generator(ganache.find_checkpoint(run, "last"))
    model = request.view(ganache.Model(generator, ganache.prior(config), run.name))
    named = resolve_names(request, read_names(run))
    assert isinstance(named, Picture)
    return render(model.generator, named.latents(model))[0].astype(int)


def test_every_control_of_styles(page: Page, folder: Path, browser: Any) -> None:
    run = folder / "style"
    assert_is(page.pixels(), made(run, THREE))
    page.find("#knob-std").fill("0.4")
    assert_is(page.pixels(), made(run, replace(THREE, std=0.4)))
    page.find("#cutoff").fill("2")
    page.find("#cutoff").press("Enter")
    assert_is(page.pixels(), made(run, replace(THREE, std=0.4, cutoff=2)))
    assert page.find("#knob-mean").count() == page.find("#dimensions .slider").count() == 0
    page.find("#wall button").nth(1).drag_to(page.find("#style-fine"))
    page.find("#style-fine[title*=seed]").wait_for()
    mixed = replace(THREE, std=0.4, cutoff=2, mixed=(Point((Kept(seeds=(1,), std=0.4),)),), mixed_layers=(4, 5))
    assert_is(page.pixels(), made(run, mixed))
    thumbnail = page.when_drawn(page.find("#style-fine canvas"))
    assert_is(thumbnail, made(run, Picture((Point((Kept(seeds=(1,), std=0.4),)),), space="w")))
    page.find("#along-sefa1").fill("3")
    last = page.page.get_by_label("Last layer of direction SeFa 1", exact=True)
    last.fill("1")
    last.press("Enter")
    moved = replace(mixed, directions=(Point(("sefa1",)),), steps=(3.0,), layers=(0, 1))
    assert_is(page.pixels(), made(run, moved))
    page.find("#noise").select_option("none")
    changed = page.pixels()
    assert_is(changed, made(run, replace(moved, noise="none")))
    words = page.find("#command:has-text('--noise none')").text_content()
    assert "--mixed-layers 4 5" in words
    other = Page(browser, page.page.url)
    assert np.array_equal(other.pixels(), changed)
    other.close()
    page.find("#style-fine").click()
    assert_is(page.pixels(), made(run, replace(moved, noise="none", mixed=(), mixed_layers=())))
    page.button("Reset").click()
    assert_is(page.pixels(), made(run, THREE))


def test_the_command_makes_the_same_picture(page: Page, folder: Path, tmp_path: Path) -> None:
    page.find("#wall button").nth(2).drag_to(page.find("#style-coarse"))
    page.find("#style-coarse[title*=seed]").wait_for()
    page.find("#knob-std").fill("0.5")
    page.find("#along-sefa2").fill("-2")
    shown = page.pixels()
    page.page.wait_for_function("() => document.getElementById('command').textContent.includes('--steps -2')")
    main([*shlex.split(page.find("#command").text_content())[1:], "-o", str(tmp_path / "again.png")])
    request = from_json((tmp_path / "again.json").read_text())
    assert isinstance(request, Picture)
    assert_is(shown, made(folder / "style", request))


def test_pins_and_mixtures_keep_the_styles(page: Page, folder: Path) -> None:
    page.find("#wall button").nth(2).drag_to(page.find("#style-middle"))
    page.find("#style-middle[title*=seed]").wait_for()
    shown = page.pixels()
    page.button("Pin").click()
    assert_is(page.when_drawn(page.find("#pins .thumb canvas")), shown.astype(int))
    page.button("Reset").click()
    page.find("#pins .thumb").click()
    assert_is(page.pixels(), shown.astype(int))
    page.find("#tab-mix").click()
    page.find("#mix-command:has-text('--space w')").wait_for()


@pytest.mark.slow
def test_a_taught_direction_is_one_of_w(page: Page, folder: Path) -> None:
    page.find("#tab-teach").click()
    grid = page.find("#panel-teach .thumbs button")
    for number in range(4):
        grid.nth(number).click()
        if number % 2:
            grid.nth(number).click()
    page.find("#teach-name").fill("odd")
    page.find("#teach-keep").click()
    page.find("#along-odd").wait_for()
    assert len(read_names(folder / "style")["odd"].vector) == LAYERS * 5
    page.find("#along-odd").fill("2")
    assert_is(page.pixels(), made(folder / "style", replace(THREE, directions=(Point(("odd",)),), steps=(2.0,))))


def test_a_plain_run_beside_it_shows_what_it_can(browser: Any, address: str, folder: Path) -> None:
    mix = json.dumps({"fine": {"point": 5, "label": "x", "layers": [4, 5]}})
    opened = Page(browser, f"{address}#point=3&show=0,1&mix={mix}")
    opened.settle()
    opened.find(".lacks:has-text('It has no styles: shown without.')").wait_for()
    assert_is(opened.pixels(1), made(folder / "plain", Picture((Point((3,)),))))
    opened.close()


@pytest.mark.slow
def test_a_dropped_picture_becomes_a_latent_of_w(folder: Path) -> None:
    picture = made(folder / "style", Picture((Point((4,)),), space="w")).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    with client(folder / "style") as http, http.websocket_connect(SOCKET, headers=ORIGIN) as page:
        received(page)
        page.send_bytes(packed({"ask": "invert", "id": 9, "model": {}}, file.getvalue()))
        header, _ = reply(page, 9)
        assert len(header["latent"]) == LAYERS * 5
        assert header["psnr"] > 8
        kept, _ = ask(page, "keep", run=0, name="found", kept={"vector": header["latent"]})
        assert {"name": "found", "latent": True} in kept["names"]
        a, b = {"vector": header["latent"]}, 3
        mixed, _ = ask(page, "mix", a=a, b=b, t=0.5, model={})
        assert [len(row) for row in mixed["latents"]] == [LAYERS * 5] * 6
        half = (np.array(mixed["latents"][0]) + np.array(mixed["latents"][1])) / 2
        np.testing.assert_allclose(mixed["latents"][5], half, atol=1e-4)
        refused, _ = ask(page, "keep", run=0, name="short", kept={"vector": [0.5] * 7})
        assert "has 7 numbers" in refused["error"]


@pytest.mark.slow
def test_ctrl_c_ends_the_playground_without_a_word(folder: Path) -> None:
    """It said that all files are intact, as of a training."""
    words = [GANACHE, "explore", str(folder / "plain"), "--no-browser"]
    started = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert "Ctrl-C ends it." in started.stdout.readline() + started.stdout.readline()  # type: ignore[union-attr]
    time.sleep(1)  # until the server listens
    started.send_signal(signal.SIGINT)
    assert started.communicate(timeout=20) == ("", "")
    assert started.returncode == 0


def test_a_finger_can_use_every_control(browser: Any, address: str) -> None:
    touch = {"has_touch": True, "viewport": {"width": 390, "height": 700}}
    opened = Page(browser, f"{address}#point=3&show=0&tab=knobs", **touch)
    opened.settle()
    opened.find("#style-coarse").wait_for()
    assert opened.page.evaluate(UNDER_40) == []
    assert opened.page.evaluate("() => document.documentElement.scrollWidth - innerWidth") <= 0
    opened.close()


def test_hostile_addresses_are_read_as_far_as_they_can_be(browser: Any, address: str, folder: Path) -> None:
    taken = ({"point": None, "layers": [0, 1]}, {"point": 1, "layers": [2]}, 3)
    for mix in ("{", "[1]", *(json.dumps({"fine": each}) for each in taken)):
        opened = Page(browser, f"{address}#point=3&show=0&mix={mix}&layers=[[&cutoff=-3&noise=loud")
        assert_is(opened.pixels(), made(folder / "style", THREE))
        opened.close()
