"""Lessons: what their files hold, and trainings that stop, go back and change on the way."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from starlette.testclient import TestClient

from ganache.cli import main
from ganache.config.config import from_dict, recipe
from ganache.core import checkpoint_file
from ganache.errors import ConfigError
from ganache.lessons.app import application
from ganache.lessons.dirac import Dirac
from ganache.lessons.lesson import LANGUAGES, Lesson, load_lessons, read_lesson
from ganache.lessons.lines import DISTANCES, START, Lines
from ganache.lessons.pictures import PictureTraining
from ganache.lessons.plane import PARTS, PlaneTraining
from ganache.lessons.recording import moments, record, recorded_steps
from ganache.lessons.scene import Frame, Setup, encode
from ganache.lessons.stage import Advance, Change, Go, Open, Place, Stage, setups
from ganache.lessons.words import read
from ganache.runs.folder import find_checkpoint
from playground_client import ACCESS, ADDRESS, ORIGIN, SOCKET, ask, received
from playground_client import read as read_reply

PICTURES = {
    "data": {"source": "faces", "size": "16", "count": 300},
    "network": {"name": "dcgan", "width": 4, "z_dim": 8},
    "schedule": {"batch": 8},
    "probe": {"share": 0.9},
}
SMALL = {
    "data": {"source": "ring8", "count": 1_000},
    "network": {"name": "mlp", "z_dim": 2, "hidden": 16, "layers": 2, "generator_norm": "none", "slope": 0.2},
    "schedule": {"batch": 16},
}
TEXT = """+++
title = "Small"
scene = "plane"
steps = 20
[settings]
data = { source = "ring8", count = 1000 }
network = { name = "mlp", z_dim = 2, hidden = 16, layers = 2, generator_norm = "none", slope = 0.2 }
schedule = { batch = 16 }
[[knobs]]
label = "Method"
[[knobs.choices]]
label = "GAN"
[[knobs.choices]]
label = "WGAN"
recipe = "wgan"
settings = { schedule = { boost_first = 0, boost_every = 0 } }
+++
Text with <b>tags</b> and [a link](javascript:alert(1)).

## Question

Ask.

## Answer

Say.

## Take

- This ([claim `modes`](claim:modes)).
"""


def small(**settings: object) -> Lesson:
    return Lesson("small", "plane", name="small", settings={**SMALL, **settings}, shows=tuple(PARTS))  # type: ignore[arg-type]


def training(lesson: Lesson | None = None) -> PlaneTraining:
    lesson = lesson or small()
    return PlaneTraining(setups(lesson, lesson.start)[0], lesson.shows)


def points(scene: PlaneTraining) -> np.ndarray:  # type: ignore[type-arg]
    return scene.frame().arrays["points"]


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_lesson_is_read_and_its_text_brings_no_html_of_its_own() -> None:
    lesson = read_lesson(TEXT, "07-small.md")
    assert (lesson.name, lesson.title, lesson.start) == ("small", "Small", (0,))
    assert "&lt;b&gt;" in lesson.text
    assert "<a" not in lesson.text, "no link that runs code"
    assert "<h3>Question</h3>" in lesson.question
    assert "(claim <code>modes</code>: <code>ganache claims modes</code>)" in lesson.take, "the command that tests it"
    gan, wgan = (lesson.configs((place,))[0] for place in (0, 1))
    assert (type(gan.method).__name__, type(wgan.method).__name__) == ("Gan", "Wgan")
    assert wgan.critic_optimiser.name == "rmsprop", "with the optimisers of its recipe"
    assert wgan.network == gan.network


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("+++\ntitle", "title", "does not begin with a header"),
        ('title = "Small"', 'title = "Small', "is not TOML"),
        ('scene = "plane"', 'scene = "stage"', "lesson 07-small.md's scene"),
        ("steps = 20", "step = 20", "has no 'step'"),
        ("hidden = 16", "hiden = 16", "hiden"),
        ("hidden = 16", "hidden = 0", "hidden"),
        ("## Answer", "Answer", "has 2 headings"),
        ("steps = 20", "steps = 0", "1 to 100,000 steps"),
    ],
)
def test_a_mistake_in_a_lesson_is_one_sentence(before: str, after: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        read_lesson(TEXT.replace(before, after), "07-small.md")
    assert "\n" not in str(error.value)


def test_another_language_replaces_labels_and_texts(tmp_path: Path) -> None:
    (tmp_path / "01-small.md").write_text(TEXT)
    (tmp_path / "zh").mkdir()
    labels = '+++\ntitle = "小"\nknobs = [["方法", "GAN", "WGAN"]]\n+++\n'
    (tmp_path / "zh" / "01-small.md").write_text(
        labels + TEXT.split("+++\n")[2].replace("Say.", "说。"), encoding="utf-8"
    )
    (lesson,) = load_lessons(tmp_path, "zh")
    assert (lesson.title, lesson.knobs[0].label) == ("小", "方法")
    assert "说。" in lesson.answer
    assert lesson.settings == load_lessons(tmp_path)[0].settings
    (tmp_path / "zh" / "01-small.md").write_text(labels.replace(', "WGAN"', "") + TEXT.split("+++\n")[2])
    with pytest.raises(ConfigError, match="needs a label for each knob"):
        load_lessons(tmp_path, "zh")
    with pytest.raises(ConfigError, match="has no lessons"):
        load_lessons(tmp_path / "zh" / "none") if (tmp_path / "zh" / "none").mkdir() is None else None


def test_every_language_has_every_word() -> None:
    for language in LANGUAGES:
        assert read(language).keys() == read("en").keys(), language


# ---- trainings -------------------------------------------------------------------------------------------------------


def test_going_back_and_on_gives_the_same_points() -> None:
    scene = training()
    seen = {}
    for _ in range(45):
        scene.advance()
        seen[scene.step] = points(scene)
    for step in (3, 23, 44, 25, 45, 21, 22, 1):
        scene.go(step)
        assert scene.step == step
        assert np.array_equal(points(scene), seen[step])


@pytest.mark.parametrize("steps", [20, pytest.param(500, marks=pytest.mark.slow)])
def test_a_lesson_trains_what_the_command_trains(steps: int, tmp_path: Path) -> None:
    """`ganache train ring8` and a lesson with the same recipe have the same networks, bit for bit."""
    main(["train", "ring8", "--steps", str(steps), "--out", str(tmp_path / "run")])
    tensors, _ = checkpoint_file.load(find_checkpoint(tmp_path / "run"))
    scene = training(Lesson("Ring", "plane", name="ring", recipe="points", settings={"data": {"source": "ring8"}}))
    scene.go(steps)
    for name, network in (("generator", scene.state.generator), ("critic", scene.state.critic)):
        for key, tensor in network.state_dict().items():
            assert torch.equal(tensors[f"{name}.{key}"], tensor), f"{name}.{key}"


def test_going_back_forgets_the_numbers_and_the_log_of_later_steps() -> None:
    scene = PictureTraining(Setup(from_dict(PICTURES, recipe("dcgan"))))
    scene.go(30)
    assert "distance" in scene.frame().numbers
    assert scene.log[-1]["step"] == 30
    scene.go(10)
    assert "distance" not in scene.frame().numbers, "there had been no probe yet"
    assert [line["step"] for line in scene.log] == [10]
    scene.go(30)
    assert "distance" in scene.frame().numbers
    assert [line["step"] for line in scene.log] == [10, 20, 30]


@pytest.mark.slow
def test_many_states_are_thinned_and_still_lead_to_each_step() -> None:
    scene = training()
    scene.go(700)
    assert len(scene.kept) <= 48
    expected = points(scene)
    scene.go(333)
    scene.go(700)
    assert np.array_equal(points(scene), expected)


def test_a_frame_changes_nothing() -> None:
    looked, blind = training(), training()
    for _ in range(12):
        looked.advance(), looked.frame()
        blind.advance()
    assert np.array_equal(points(looked), points(blind))


def test_settings_change_on_the_way_and_going_back_brings_the_old_ones() -> None:
    lesson = small()
    scene = training(lesson)
    scene.go(15)
    before = points(scene)
    (other,) = setups(lesson, (), {"penalty": {"r1": 1.0}, "schedule": {"batch": 32}})
    scene.change(other)
    assert (scene.step, scene.plan.batch) == (15, 32)
    assert np.array_equal(points(scene), before), "the networks stay"
    scene.go(25)
    changed = points(scene)
    scene.go(10)
    assert scene.plan.batch == 16
    scene.go(25)
    assert not np.array_equal(points(scene), changed), "without the change"
    scene.go(15)
    scene.change(other)
    scene.go(25)
    assert np.array_equal(points(scene), changed)
    (wider,) = setups(lesson, (), {"network": {"hidden": 24}})
    scene.change(wider)
    assert scene.step == 0, "other networks begin anew"
    scene.go(2)


def test_numbers_that_are_not_finite_are_said_in_words() -> None:
    scene = training(small(generator_optimiser={"lr": 0.9}, critic_optimiser={"lr": 0.9}))
    with np.errstate(all="ignore"):
        for weight in scene.state.generator.parameters():
            weight.data.fill_(float("nan"))
        frame = scene.frame()
    assert frame.words == ("diverged",)
    assert frame.words[0] in read("en")
    json.dumps(encode(frame)[0], allow_nan=False)


def test_arrays_are_encoded_within_half_a_level() -> None:
    rng = np.random.default_rng(0)
    arrays = {"points": rng.normal(size=(50, 2)), "surface": rng.normal(size=(6, 6)), "flat": np.full(3, 2.5)}
    header, blobs = encode(Frame(3, {"a": 1.0, "b": float("inf")}, arrays))
    assert header["numbers"] == {"a": 1.0}
    for about, blob in zip(header["arrays"], blobs, strict=True):
        coded = np.frombuffer(blob, f"<u{about['bits'] // 8}").reshape(about["shape"])
        unit = (about["high"] - about["low"]) / (2 ** about["bits"] - 1)
        assert np.abs(about["low"] + coded * unit - arrays[about["name"]]).max() <= 0.51 * unit + 1e-5


def test_descent_on_the_distances_between_lines() -> None:
    """Only the earth mover's distance leads to the goal (Arjovsky et al. 2017, example 1)."""
    lesson = Lesson("lines", "lines", name="lines")
    for place, name in enumerate(DISTANCES):
        scene = Lines(replace(setups(lesson, ())[0], positions=(place,)))
        scene.go(60)
        assert scene.frame().numbers["t"] == (0.0 if name == "earth_mover" else START)
    scene.place(-0.4, 0.0)
    assert (scene.step, scene.frame().numbers["t"]) == (0, -0.4)


def test_the_path_of_the_dirac_gan_goes_back_and_on() -> None:
    scene = Dirac(setups(Lesson("d", "dirac", name="d", settings={"generator_optimiser": {"lr": 0.1}}), ())[0])
    scene.go(50)
    path = scene.frame().arrays["path"]
    scene.go(10)
    assert np.array_equal(scene.frame().arrays["path"], path[:11])
    scene.go(50)
    assert np.array_equal(scene.frame().arrays["path"], path)


# ---- the page's messages ---------------------------------------------------------------------------------------------


def test_a_stage_answers_each_message() -> None:
    lesson = read_lesson(TEXT, "01-small.md")
    stage = Stage([lesson])
    with pytest.raises(ConfigError, match="open one first"):
        stage.answer(Go(1, 5))
    with pytest.raises(ConfigError, match="There is no lesson 'smal': did you mean 'small'"):
        stage.answer(Open(1, "smal"))
    header, blobs = stage.answer(Open(1, "small"))
    assert [frame["step"] for frame in header["frames"]] == [0]
    assert len(blobs) == len(header["frames"][0]["arrays"])
    assert stage.answer(Advance(2, 7, 10_000.0))[0]["frames"][0]["step"] == 7
    assert stage.answer(Go(3, 4))[0]["frames"][0]["step"] == 4
    header, _ = stage.answer(Change(4, (1,)))
    assert (header["positions"], header["frames"][0]["step"]) == ([1], 4)
    assert stage.answer(Change(5, (1,), anew=True))[0]["frames"][0]["step"] == 0
    drawn = tuple((0.1 * k % 1, 0.2) for k in range(20))
    header, _ = stage.answer(Change(6, (1,), drawn=drawn, anew=True))
    assert header["frames"][0]["arrays"][0]["shape"] == [20, 2]
    for wrong, words in (
        (Change(7, (5,)), "no such positions"),
        (Change(7, (0, 0)), "no such positions"),
        (Change(7, (0,), {"data": {"source": "/etc"}}), "cannot change 'data'"),
        (Change(7, (0,), {"schedule": {"batch": 0}}), "batch"),
        (Change(7, (0,), drawn=((0.0, 0.0),)), "1 points were drawn"),
        (Change(7, (0,), drawn=((0.0, float("nan")),) * 20), "inside of the picture"),
        (Place(7, 0.0, 0.0), "Nothing in this lesson can be dragged"),
    ):
        with pytest.raises(ConfigError, match=words):
            stage.answer(wrong)
    assert stage.answer(Advance(8, 1))[0]["frames"][0]["step"] == 1, "after a refusal it goes on"


def test_a_page_over_its_connection() -> None:
    app = application([read_lesson(TEXT, "01-small.md")], ACCESS)
    with (
        TestClient(app, base_url=f"http://{ADDRESS}") as client,
        client.websocket_connect(SOCKET, headers=ORIGIN) as page,
    ):
        hello, _ = received(page)
        assert [lesson["name"] for lesson in hello["hello"]["lessons"]] == ["small"]
        assert ask(page, "open", lesson="small", positions=[])[0]["frames"][0]["step"] == 0
        assert ask(page, "advance", steps=3, milliseconds=5000.0)[0]["frames"][0]["step"] == 3
        assert "no message 'show'" in ask(page, "show")[0]["error"]
        assert ask(page, "go", step=1)[0]["frames"][0]["step"] == 1


# ---- one file --------------------------------------------------------------------------------------------------------


def test_a_recording_has_every_combination_in_small_frames(tmp_path: Path) -> None:
    lesson = replace(read_lesson(TEXT, "01-small.md"), shows=("surface", "arrows"))
    recorded = record(lesson)
    assert recorded["steps"] == moments(20)
    for each in load_lessons():
        named = {outcome.step for outcome in each.outcomes if outcome.step <= each.steps}
        assert named <= set(recorded_steps(each)), "the file shows what the text says of a step"
    assert list(recorded["takes"]) == ["0", "1"]
    header, blobs = read_reply(gzip.decompress(base64.b64decode(recorded["takes"]["1"])))
    assert [frames[0]["step"] for frames in header["moments"]] == recorded["steps"]
    arrays = header["moments"][-1][0]["arrays"]
    assert {about["name"]: about["shape"] for about in arrays} == {
        "real": [128, 2],
        "points": [128, 2],
        "surface": [16, 16],
        "arrows": [48, 4],
    }
    scene = PlaneTraining(setups(lesson, (1,))[0], lesson.shows)
    scene.go(20)
    about, coded = arrays[1], np.frombuffer(blobs[-3], np.uint8).reshape(128, 2)
    unit = (about["high"] - about["low"]) / 255
    assert np.abs(about["low"] + coded * unit - points(scene)[::2]).max() < 0.51 * unit, "those of the training"


def test_the_file_plays_from_disk_without_a_request(browser: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "01-small.md").write_text(TEXT)
    file = tmp_path / "lessons.html"
    main(["learn", "--lessons", str(tmp_path / "lessons"), "--html", str(file)])
    page = browser.new_page()
    said, requests = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    told = page.locator(".transport output")
    expect(told).to_have_text("step 0")
    page.get_by_role("button", name="Play", exact=True).click()
    expect(told).to_have_text("step 20", timeout=20_000)
    distance = page.locator(".numbers").text_content()
    page.get_by_role("radio", name="WGAN", exact=True).click()
    expect(page.locator(".numbers")).not_to_have_text(distance)
    expect(told).to_have_text("step 20")
    page.get_by_role("button", name="Begin anew").click()
    expect(told).to_have_text("step 0")
    assert page.url.endswith("#small/1")
    assert said == []
    assert [url for url in requests if not url.startswith(("file:", "blob:", "data:"))] == []
    page.close()
