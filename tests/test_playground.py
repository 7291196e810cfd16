"""What a page asks and is told: every kind of message, what is refused, and a hostile page."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from starlette.testclient import WebSocketTestSession

from ganache.cli import main
from ganache.lab.points import Kept
from ganache.playground import Library, ranking, wire
from ganache.playground.ranking import Rankings
from ganache.playground.wire import Which
from ganache.runs.folder import read_names, write_names
from playground_client import FACES, ORIGIN, PICTURE, SOCKET, ask, client, received, reply, train

DIGITS = ["train", "digits", "--size", "16", "--data.count", "60"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


@pytest.fixture(scope="module")
def page(run: Path) -> Iterator[WebSocketTestSession]:
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        hello, _ = received(page)
        (told,) = hello["hello"]["runs"]
        assert (told["name"], told["steps"], told["noise"], told["shape"]) == ("faces", [1, 2], 6, [3, 16, 16])
        yield page


def test_rankings_are_released_and_one_that_failed_is_tried_again(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def here(call: Any) -> Any:
        if failing:
            raise MemoryError("no room")
        return call()

    async def calm() -> None:
        await asyncio.sleep(0)

    async def use() -> None:
        rankings = Rankings(Library([str(run)]), here, calm)
        failed = rankings.get(Which(0))
        with suppress(MemoryError):
            await failed.task  # type: ignore[misc]
        assert "no room" in failed.error
        failing.clear()
        first = rankings.get(Which(0))
        assert first is not failed
        await first.task  # type: ignore[misc]
        assert first.done
        assert not first.error
        other = rankings.get(Which(0, 1))
        assert list(rankings.known.values()) == [other], "the older one is dropped"
        assert rankings.get(Which(0)) is not first
        with suppress(asyncio.CancelledError):
            await other.task  # type: ignore[misc]
        assert other.done, "nobody waits for it for ever"

    failing = [True]
    monkeypatch.setattr(ranking, "MOST", 1)
    asyncio.run(use())


def test_the_command_that_starts_the_server_again_can_be_pasted(run: Path) -> None:
    library = Library([f"{run}@1"], average=False, data="my pictures")
    assert shlex.split(library.hello()["command"]) == [
        "ganache", "explore", f"{run}@1", "--no-average", "--data", "my pictures"
    ]  # fmt: skip


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def shown(page: WebSocketTestSession, request: dict[str, Any], slot: str = "view", **more: Any) -> Any:
    return ask(page, "show", slot=slot, request=request, models=more.pop("models", [{}]), **more)


def test_the_large_picture_is_what_the_command_makes(
    page: WebSocketTestSession, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    request = {**PICTURE, "dimensions": [2], "values": [1.5], "directions": ["sefa1"], "steps": [2], "std": 0.7}
    header, (blob,) = shown(page, request, "picture", base=True)
    assert len(header["z"]) == len(header["base"]) == 6
    assert header["z"] != header["base"]
    saved = ask(page, "save", request=request, models=[{}], plain=True)[1][0]
    assert np.abs(pixels(saved) - pixels(blob)).mean() < 4, "JPEG, of noise"
    told, _ = ask(page, "tell", request=request, models=[{}])
    words = shlex.split(told["command"])
    assert words[:2] == ["ganache", "picture"]
    main([*words[1:], "-o", "one.png"])
    Path("request.json").write_text(json.dumps(told["request"]))
    main(["render", str(run), "request.json", "-o", "two.png"])
    captioned = ask(page, "save", request=request, models=[{}])[1][0]
    assert np.array_equal(pixels(Path("one.png").read_bytes()), pixels(captioned))
    assert np.array_equal(pixels(captioned)[60:], pixels(Path("two.png").read_bytes())[60:]), "below the title"


def test_the_newest_picture_wins(page: WebSocketTestSession) -> None:
    for number in range(100, 140):
        request = {**PICTURE, "dimensions": [0], "values": [number / 10]}
        message = {"ask": "show", "id": number, "slot": "picture", "request": request, "models": [{}]}
        page.send_text(json.dumps(message))
    answered = []
    while not answered or answered[-1] < 139:
        answered.append(received(page)[0]["id"])
    assert answered == sorted(answered)
    assert len(answered) < 40, "those that were out of date have been left out"


@pytest.mark.parametrize(
    ("request_", "count"),
    [
        ({"kind": "sample", "n": 12}, 12),
        ({"kind": "traverse", "dimension": 2, "points": [3, 4]}, 16),
        ({"kind": "truncation", "n": 3}, 18),
        ({"kind": "average", "n": 2}, 20),
        ({"kind": "arithmetic"}, 3),
        ({"kind": "walk", "frames": 3}, 12),
        ({"kind": "along", "directions": ["pca1"]}, 21),
        ({"kind": "directions", "top": 2}, 14),
        ({"kind": "neighbours", "points": [3], "k": 4}, 5),
        ({"kind": "real-vs-fake", "n": 3}, 6),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_views(page: WebSocketTestSession, request_: dict[str, Any], count: int) -> None:
    header, blobs = shown(page, request_)
    part = header["groups"][0][0]
    assert part["count"] == count
    across = part["across"]
    assert pixels(blobs[part["blob"]]).shape == (16 * -(-count // across), 16 * across, 3)
    assert "error" not in ask(page, "tell", request=request_, models=[{}])[0]


def test_checkpoints_side_by_side_and_a_cloud(page: WebSocketTestSession) -> None:
    header, blobs = shown(page, PICTURE, "picture", models=[{"step": 1}, {"run": 0}])
    assert [each["heading"] for each in header["shown"]] == ["faces, step 1", "faces, step 2"]
    assert len(blobs) == 2
    header, blobs = shown(page, {"kind": "distribution", "n": 4})
    assert header["groups"][0][0]["scatter"]
    assert pixels(blobs[0]).shape[:2] == tuple(reversed(header["groups"][0][0]["size"]))


def test_mixtures(page: WebSocketTestSession) -> None:
    header, _ = ask(page, "mix", a=3, b={"seeds": [4], "std": 0.5}, t=0.5, model={})
    assert header["count"] == 6
    assert len(header["latents"]) == 6
    a, b, total, difference, product, _ = np.array(header["latents"])
    assert np.allclose(total, a + b, atol=1e-4)
    assert np.allclose(difference, abs(a - b), atol=1e-4)
    assert np.allclose(product, a * b, atol=1e-4)


@pytest.mark.slow
def test_a_direction_that_is_taught_is_kept_in_the_run(page: WebSocketTestSession, run: Path) -> None:
    told, _ = ask(page, "learn", name="smile", having=[1, {"seeds": [2], "std": 0.5}], lacking=[3], model={})
    assert told["kept"] == "smile"
    assert told["check"].endswith("directions from random examples; perceptual features).")
    assert [each["name"] for each in told["names"]] == ["smile"]
    assert np.isclose(np.linalg.norm(read_names(run)["smile"].vector), 1, atol=1e-4)
    words = shlex.split(told["command"])
    main([*words[1:-1], "again", "-o", str(run.parent / "again.png")])
    assert np.allclose(read_names(run)["again"].vector, read_names(run)["smile"].vector)
    header, _ = shown(page, {**PICTURE, "directions": ["smile"], "steps": [3]}, "picture")
    assert "shown" in header
    kept, _ = ask(page, "keep", run=0, name="mine", kept={"seeds": [5], "std": 0.3})
    assert {"name": "mine", "latent": True} in kept["names"]
    assert read_names(run)["mine"] == Kept("mine", (5,), std=0.3)
    for name in ("smile", "again", "mine"):
        told, _ = ask(page, "forget", run=0, name=name)
    assert told["names"] == []


@pytest.mark.slow
def test_a_dropped_picture_becomes_a_latent(page: WebSocketTestSession) -> None:
    file = io.BytesIO()
    Image.effect_noise((40, 30), 60).save(file, "PNG")
    page.send_bytes(packed({"ask": "invert", "id": 9, "model": {}}, file.getvalue()))
    header, blobs = reply(page, 9)
    assert len(header["latent"]) == 6
    assert header["psnr"] > 5
    assert pixels(blobs[0]).shape == (16, 32, 3)


def packed(message: dict[str, Any], upload: bytes) -> bytes:
    head = json.dumps(message).encode()
    return len(head).to_bytes(4, "big") + head + upload


def test_the_ranking_names_every_dimension_once(page: WebSocketTestSession) -> None:
    header, blobs = ask(page, "rank", model={})
    assert sorted(row["number"] for row in header["rows"]) == list(range(6))
    effects = [row["effect"] for row in header["rows"]]
    assert effects == sorted(effects, reverse=True)
    assert header["maps"]["count"] == 6
    assert len(blobs) == 1


def test_a_walk_is_saved_in_motion(page: WebSocketTestSession) -> None:
    header, (blob,) = ask(page, "save", request={"kind": "walk", "frames": 2}, models=[{}], kind="gif")
    assert header["type"] == "gif"
    assert Image.open(io.BytesIO(blob)).n_frames > 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"ask": "fetch"}, "There is no message 'fetch'"),
        ({"ask": "show", "slot": "wall", "request": {"kind": "sample", "n": 1001}, "models": [{}]}, "1,001 pictures"),
        (
            {"ask": "show", "slot": "wall", "request": {"kind": "sample", "n": 600}, "models": [{}, {}]},
            "1,200 pictures",
        ),
        ({"ask": "show", "slot": "view", "request": {"kind": "dimensions"}, "models": [{}]}, "use the command line"),
        ({"ask": "show", "slot": "view", "request": PICTURE, "models": []}, "0 models"),
        ({"ask": "show", "slot": "view", "request": PICTURE, "models": [{"run": 5}]}, "no run 5"),
        ({"ask": "show", "slot": "view", "request": PICTURE, "models": [{"step": 77}]}, "no checkpoint '77'"),
        (
            {
                "ask": "show",
                "slot": "view",
                "request": {"kind": "picture", "points": [list(range(5000))]},
                "models": [{}],
            },
            "5,000 seeds",
        ),
        (
            {"ask": "show", "slot": "view", "request": {"kind": "invert", "images": ["/etc/passwd"]}, "models": [{}]},
            "use the command line",
        ),
        (
            {"ask": "show", "slot": "view", "request": {"kind": "neighbours", "data": "/etc"}, "models": [{}]},
            "is set when the server starts",
        ),
        (
            {"ask": "show", "slot": "picture", "request": {"kind": "sample"}, "models": [{}]},
            "The large picture shows one latent",
        ),
        ({"ask": "keep", "run": 0, "name": "../x", "kept": {"seeds": [1]}}, "neither a seed nor a name"),
        ({"ask": "keep", "run": 0, "name": "x", "kept": {"vector": [1.0]}}, "has 1 numbers"),
        ({"ask": "keep", "run": -1, "name": "x", "kept": {"seeds": [1]}}, "no run -1"),
        ({"ask": "learn", "name": "x", "having": [], "lacking": [1], "model": {}}, "0 examples"),
        ({"ask": "save", "request": PICTURE, "models": [{}], "kind": "gif"}, "cannot be saved as gif"),
        ({"ask": "invert", "model": {}}, "if and only if it is 'invert'"),
        ({"ask": "show", "slot": "picture", "request": {**PICTURE, "std": 1e9}, "models": [{}]}, "std is 1000000000"),
    ],
)
def test_what_is_refused_with_a_sentence(page: WebSocketTestSession, message: dict[str, Any], words: str) -> None:
    page.send_text(json.dumps({"id": 8, **message}))
    header, _ = reply(page, 8)
    assert words in header["error"]
    assert "shown" in shown(page, PICTURE, "picture")[0], "and all goes on"


def test_what_is_no_message(page: WebSocketTestSession) -> None:
    for text in ("", "[]", "{", '{"ask": 3}', "[" * 100_000, " " * (wire.LONGEST_TEXT + 1)):
        page.send_text(text)
        assert reply(page, None)[0]["error"]
    for data in (
        b"",
        b"\0",
        b"\xff\xff\xff\xff{}",
        b"\0\0\0\x02{}x",
        b"\0\0\0\x02\xff\xfe",
        bytes(wire.LARGEST_UPLOAD + 1),
    ):
        page.send_bytes(data)
        assert reply(page, None)[0]["error"]
    page.send_bytes(packed({"ask": "invert", "id": 4, "model": {}}, b"no picture"))
    assert "cannot be used as a picture" in reply(page, 4)[0]["error"]


QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
PLAIN = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
WHICH = st.fixed_dictionaries({}, optional={"run": st.integers(-1, 2), "step": st.none() | st.integers(-1, 3)}) | PLAIN
SEEDS = st.integers(-1, 9)
KINDS = ["picture", "sample", "traverse", "walk", "along", "invert", "neighbours", "dimensions", "nothing"]
REQUESTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS)},
    optional={
        "points": st.lists(st.integers(-1, 9) | st.sampled_from(["smile", "sefa1", "pca99"]) | PLAIN, max_size=3)
        | PLAIN,
        "n": st.integers(-1, 3) | st.integers() | PLAIN,
        "mean": st.floats() | PLAIN,
        "std": st.floats() | PLAIN,
        "dimensions": st.lists(st.integers(-1, 9), max_size=2) | PLAIN,
        "values": st.lists(st.floats(), max_size=2) | PLAIN,
        "directions": st.lists(st.sampled_from(["sefa1", "nobody"]), max_size=2) | PLAIN,
        "data": st.text(max_size=6),
        "images": st.lists(st.text(max_size=6), max_size=2),
        "frames": st.integers(0, 3) | PLAIN,
    },
)
MESSAGES = st.fixed_dictionaries(
    {"ask": st.sampled_from([*wire.ASKS, "nothing"]), "id": st.just(5)},
    optional={
        "slot": st.sampled_from(["picture", "wall", "view", "else"]),
        "request": REQUESTS | PLAIN,
        "models": st.lists(WHICH, max_size=2) | PLAIN,
        "model": WHICH,
        "run": st.integers(-1, 1) | PLAIN,
        "name": st.text(max_size=6),
        "kept": st.fixed_dictionaries(
            {}, optional={"seeds": st.lists(st.integers(-1, 5), max_size=3), "vector": PLAIN}
        ),
        "a": PLAIN,
        "b": st.integers(0, 9),
        "t": st.floats(),
        "having": st.lists(st.integers(0, 9), max_size=2) | PLAIN,
        "lacking": st.lists(st.integers(0, 9), max_size=2) | PLAIN,
        "how": st.sampled_from(["sefa", "pca", "else"]),
        "kind": st.sampled_from(["png", "gif", "exe"]),
    },
)


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(message=MESSAGES)
def test_whatever_is_sent_is_answered_and_nothing_breaks(
    page: WebSocketTestSession, run: Path, caplog: pytest.LogCaptureFixture, message: dict[str, Any]
) -> None:
    before = sorted(path.name for path in run.parent.iterdir())
    page.send_text(json.dumps(message))
    header, _ = reply(page, 5)
    assert header.get("error") or len(header) > 2
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "no bug behind a refusal"
    assert sorted(path.name for path in run.parent.iterdir()) == before
    if names := read_names(run):
        write_names(run, {name: kept for name, kept in names.items() if name in ("smile", "again", "mine")})


@settings(QUIET, max_examples=100)
@given(text=st.text(max_size=60))
def test_any_text_is_answered(page: WebSocketTestSession, text: str) -> None:
    page.send_text(text.encode("utf-8", "replace").decode())
    assert reply(page, wire.number_of(text))[0]["error"]


def test_classes_and_codes_are_told(tmp_path: Path) -> None:
    informed = train(tmp_path / "info", DIGITS, "--recipe", "infogan")
    classed = train(tmp_path / "classed", DIGITS, "--recipe", "dcgan", "--data.classes", "10")
    with client(informed, classed) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        runs = received(page)[0]["hello"]["runs"]
        assert [(each["categories"], each["continuous"]) for each in runs] == [(10, 2), (10, 0)]
        request = {**PICTURE, "dimensions": ["code1"], "values": [0.5], "classes": [3]}
        header, blobs = shown(page, request, "picture", models=[{"run": 0}, {"run": 1}])
        first, second = header["shown"]
        assert first["lacks"] == []
        assert second["lacks"] == ["code 1"], "only the model that cannot do it says so, and goes on without"
        assert len(blobs) == 2
        header, _ = ask(page, "rank", model={})
        assert {"category", "code1", "code2"} <= {row["name"] for row in header["rows"]}


def test_points_are_shown_among_the_real_ones(tmp_path: Path) -> None:
    toy = tmp_path / "toy"
    words = ["--network.hidden", "8", "--data.count", "300", "--steps", "2", "--batch", "4", "--out", str(toy)]
    main(["train", "ring8", *words])
    with client(toy) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        assert received(page)[0]["hello"]["runs"][0]["shape"] == [2]
        (large,) = shown(page, PICTURE, "picture")[1]
        (other,) = shown(page, {**PICTURE, "points": [4]}, "picture")[1]
        first, second = pixels(large).astype(int), pixels(other).astype(int)
        assert first.shape == (480, 480, 3)
        assert 50 < (np.abs(first - second).max(axis=2) > 100).sum() < 2_000, "one point differs, and all others stay"
        (part,) = shown(page, {"kind": "sample", "n": 4}, "wall")[0]["groups"][0]
        assert (part["count"], part["width"]) == (4, 144)
        (part,) = shown(page, {"kind": "sample", "n": 4}, "view")[0]["groups"][0]
        assert part["scatter"], "an experiment is one plot of all its points"
        assert "animation" in shown(page, {"kind": "walk", "points": [0, 1], "frames": 3}, "view")[0]
        header, blobs = ask(page, "rank", model={})
        assert (len(header["rows"]), header["maps"]["width"]) == (2, 64)
        assert pixels(blobs[0]).max() > 100, "a line shows how far a dimension moves a point"
        assert ask(page, "mix", a=1, b=2, t=0.5, model={})[0]["width"] == 144
        assert ask(page, "save", request=PICTURE, models=[{}], plain=True)[1]


def test_a_damaged_checkpoint_is_told_of(tmp_path: Path) -> None:
    run = train(tmp_path / "faces")
    last = run / "checkpoints" / "000000002.safetensors"
    content = bytearray(last.read_bytes())
    content[-1] ^= 1
    last.write_bytes(content)
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        assert "is damaged" in received(page)[0]["hello"]["runs"][0]["error"]
        assert "shown" in shown(page, PICTURE, "picture", models=[{"step": 1}])[0]


def test_a_run_that_is_removed_while_it_is_shown_ends_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run = train(tmp_path / "faces")
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        assert received(page)[0]["hello"]["runs"][0]["steps"] == [1, 2]
        shutil.rmtree(run)
        for request in (PICTURE, {"kind": "sample", "n": 3}, {"kind": "picture", "points": ["smile"]}):
            assert "is not a run with a checkpoint" in shown(page, request)[0]["error"]
        assert "error" in ask(page, "keep", run=0, name="x", kept={"seeds": [1]})[0]
        with browser.websocket_connect(SOCKET, headers=ORIGIN) as other:
            assert received(other)[0]["hello"]["runs"][0]["steps"] == []
        train(run)
        assert "groups" in shown(page, PICTURE)[0], "a run of the same path is shown again"
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_run_in_training_is_told_of_without_a_checkpoint(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", FACES)
    young = tmp_path / "young"
    young.mkdir()
    (young / "config.json").write_text((whole / "config.json").read_text())
    with client(young, live=True) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        assert received(page)[0]["hello"]["runs"][0]["steps"] == []
        (young / "log.jsonl").write_text((whole / "log.jsonl").read_text())
        told = news(page, lambda told: told["last"])
        assert told["last"]["step"] == 1
        assert set(told["curves"]) >= {"critic loss", "generator loss"}
        assert (told["sampled"], told["finished"], told["verdict"]["judged"]) == ([], False, False)
        (whole / "samples").rename(young / "samples")
        (whole / "checkpoints").rename(young / "checkpoints")
        told = news(page, lambda told: told["steps"])
        assert told["steps"] == [1, 2]
        assert told["finished"], "its last step is saved"
        assert told["sampled"] == [1, 2], "the first step and the last"
        step = told["sampled"][0]
        assert pixels(ask(page, "sampled", run=0, step=step)[1][0]).size
        assert "choose another step" in ask(page, "sampled", run=0, step=77)[0]["error"]
        assert "shown" in shown(page, PICTURE, "picture")[0]


def news(page: WebSocketTestSession, wanted: Any) -> dict[str, Any]:
    while True:
        header, _ = received(page)
        if "news" in header and wanted(header["news"][0]):
            state: dict[str, Any] = header["news"][0]
            return state
