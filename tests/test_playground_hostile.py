"""A run folder of a stranger in the page: nothing of it runs, leads elsewhere, or ends the live page; in a browser."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image

from browser import chromium
from ganache.errors import GanacheError
from ganache.playground import Library
from ganache.playground.live import RunMonitor, samples_of_step
from ganache.runs.folder import find_checkpoint
from ganache.runs.models import load_model
from playground_client import ORIGIN, SOCKET, client, received, train
from playground_page import Page, server

MARKUP = (
    '"\'><img src=x onerror="document.title=\'hit\'"><script>document.title="hit"</script><svg onload=alert(1)>'
    '<meta http-equiv="refresh" content="0;url=http://evil.example/"><base href="http://evil.example/">'
    '<a href="javascript:alert(1)">x</a>{{7*7}}\u202e\x1b]0;hit\x07'
)
NAMES = ("constructor", "__proto__", "toString", "hasOwnProperty", "ünï")
"""Names that every object of JavaScript has, and one that none has."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps whose folder, log, names and settings are full of markup."""
    folder = tmp_path_factory.mktemp("runs") / MARKUP.replace("/", "&#47;")[:240]
    train(folder)
    lines = [
        {"step": 2, "event": "<b>", "notice": MARKUP},
        {"step": 2, "event": "x", "notice": "<meta http-equiv=refresh content=0;url=//evil.example>"},
    ]
    with (folder / "log.jsonl").open("a") as log:
        log.writelines(json.dumps(line) + "\n" for line in lines)
    unit = [1.0] + [0.0] * (load_model(find_checkpoint(folder), "it")[0].prior.z_dim - 1)
    directions = {name: {"vector": unit} for name in NAMES}
    (folder / "names.json").write_text(json.dumps({**directions, "valueOf": {"seeds": [3]}}))
    config = json.loads((folder / "config.json").read_text())
    config["data"]["source"] = MARKUP
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_markup_in_a_run_is_text_on_the_page(run: Path) -> None:
    with chromium() as browser, server("watch", str(run)) as address:
        state = {"name": MARKUP, "seeds": [3]}
        fragment = f"#point={quote(json.dumps(state))}&label={quote(MARKUP)}&set=constructor:1&along=__proto__:1,x:2"
        page = Page(browser, address + fragment)
        dialogs: list[str] = []
        page.page.on("dialog", lambda dialog: dialogs.append(dialog.message) or dialog.dismiss())
        page.find("#banner:visible").wait_for()
        page.find(".notices li").nth(1).wait_for()
        assert MARKUP[:60] in page.find(".notices").text_content()
        assert page.find("#run").text_content() == run.name
        page.find("#tab-samples").click()
        page.find("#reset").click()
        page.button("New sample").click()
        page.settle()
        for name in NAMES:
            assert page.find(f"[id='along-{name}']").input_value() == "0"
            assert page.find(f"[id='along-{name}'] ~ button.reset").is_disabled(), "nothing was moved yet"
        page.find("[id='along-constructor']").fill("2")
        page.settle()
        page.find("#command:has-text('--directions constructor')").wait_for()
        page.button("valueOf").click()
        page.settle()
        assert page.button("valueOf").get_attribute("aria-pressed") == "true"
        data = page.page.evaluate_handle(
            "(name) => { const data = new DataTransfer(); data.items.add(new File(['no'], name)); return data; }",
            MARKUP,
        )
        page.page.dispatch_event("#pictures", "drop", {"dataTransfer": data})
        page.find("#banner:has-text('cannot be used as a picture')").wait_for()
        assert (
            page.find(
                "meta[http-equiv], base, script:not([src], [type='application/json']), a, body img:not([alt=''])"
            ).count()
            == 0
        )
        assert (dialogs, page.page.url.split("#")[0]) == ([], address)
        assert "hit" not in page.page.title().split(MARKUP[:20])[0]
        page.close()


def test_the_page_makes_no_elements_of_text() -> None:
    """So no label, name or notice can become markup, whichever is shown."""
    page = [*(files("ganache.playground") / "page").iterdir(), files("ganache.output.export") / "browser" / "slider.js"]
    scripts = {file.name: file.read_text() for file in page if file.name.endswith(".js")}
    assert len(scripts) > 10
    risky = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|ContextualFragment|srcdoc|javascript:"
    risky += r"|\beval\(|new Function|location(\.href)? = |location\.(assign|replace)|window\.open|setTimeout\([\"'`]"
    assert {name: re.findall(risky, text) for name, text in scripts.items() if re.search(risky, text)} == {}


# ---- whatever lies in the folder ------------------------------------------------------------------------------------


def swap(folder: Path, other: Path) -> None:
    """Remove a folder and create it again, with files of the same names and sizes."""
    folder.rename(other)
    shutil.copytree(other, folder)


DAMAGES: dict[str, Callable[[Path], Any]] = {
    "a foreign picture": lambda run: (run / "samples" / "9copy.png").write_bytes(b"x"),
    "a folder among the samples": lambda run: (run / "samples" / "000000900.png").mkdir(),
    "an empty picture": lambda run: (run / "samples" / "000000900.png").write_bytes(b""),
    "a picture that is none": lambda run: (run / "samples" / "000000900.png").write_text("<svg onload=alert(1)>"),
    "a truncated picture": lambda run: (run / "samples" / "000000900.png").write_bytes(
        (run / "samples.png").read_bytes()[:99]
    ),
    "a huge picture": lambda run: Image.new("1", (9000, 9000)).save(run / "samples" / "000000900.png"),
    "a picture of another kind": lambda run: Image.new("L", (9, 9)).save(run / "samples" / "000000900.png", "GIF"),
    "a step of 18 digits": lambda run: (run / "samples" / "900000000000000000.png").write_bytes(b""),
    "samples that are a file": lambda run: (shutil.rmtree(run / "samples"), (run / "samples").write_text("x")),
    "samples that are a link": lambda run: (
        (run / "samples").rename(run / "other"),
        (run / "samples").symlink_to(run / "other"),
    ),
    "no samples": lambda run: shutil.rmtree(run / "samples"),
    "no checkpoints": lambda run: shutil.rmtree(run / "checkpoints"),
    "an empty checkpoint": lambda run: (run / "checkpoints" / "000000900.safetensors").write_bytes(b""),
    "a checkpoint that is a folder": lambda run: (run / "checkpoints" / "000000900.safetensors").mkdir(),
    "no log": lambda run: (run / "log.jsonl").unlink(),
    "a log that is a folder": lambda run: ((run / "log.jsonl").unlink(), (run / "log.jsonl").mkdir()),
    "log lines that are broken": lambda run: (run / "log.jsonl").write_bytes(
        b'null\n[]\n{"step": null}\n{"step": 1, "d": 3}\n{"step": 2, "notice": {"a": 1}}\n\xff\xfe\n' + b"[" * 9999
    ),
    "no settings": lambda run: (run / "config.json").unlink(),
    "settings that are none": lambda run: (run / "config.json").write_text("[[["),
    "settings of other types": lambda run: (run / "config.json").write_text('{"schedule": 7}'),
    "names that are none": lambda run: (run / "names.json").write_text("[1]"),
    "the folder, created again": lambda run: swap(run, run.with_name("other")),
    "the folder, gone": lambda run: shutil.rmtree(run),
}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("plain") / "faces")


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_live_page_goes_on_with_what_can_be_read(damage: str, plain: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(plain, run)
    monitor, library = RunMonitor(run), Library([str(run)], live=True)
    assert monitor.news() is not None
    DAMAGES[damage](run)
    try:
        monitor.news()
    except (OSError, GanacheError):
        assert damage == "a log that is a folder"
    json.dumps(library.hello(), allow_nan=False)
    if (run / "log.jsonl").is_dir():
        (run / "log.jsonl").rmdir()
    run.mkdir(exist_ok=True)
    with (run / "log.jsonl").open("ab") as log:
        log.write(b'\n{"step": 7, "event": "x", "notice": "it goes on"}\n')
    told = monitor.news()
    assert told is not None
    assert {"step": 7, "words": "it goes on"} in told["notices"]
    json.dumps(told, allow_nan=False)
    for step in told["sampled"]:
        with suppress(GanacheError):  # what a browser cannot show is refused with a sentence
            assert samples_of_step(run, step).startswith(b"\x89PNG")


def test_a_folder_that_was_created_again_is_read_again(plain: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(plain, run)
    monitor = RunMonitor(run)
    assert monitor.news() is not None
    assert monitor.news() is None
    swap(run, tmp_path / "other")
    assert monitor.news() is not None, "names and sizes are equal, and the files are others"


def test_an_error_that_nobody_expects_does_not_end_the_live_page(
    plain: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[int] = []
    news = RunMonitor.news

    def failing(monitor: RunMonitor) -> Any:
        calls.append(1)
        if len(calls) < 4:
            raise KeyError("step")
        return news(monitor)

    monkeypatch.setattr(RunMonitor, "news", failing)
    monkeypatch.setattr("ganache.playground.app.POLL_INTERVAL", 0.02)
    with client(plain, live=True) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
        while "news" not in received(page)[0]:
            pass
    assert len([each for each in caplog.records if "could not be read" in each.message]) == 1, "it is logged once"


def test_news_do_not_come_before_the_first_message(plain: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hello = Library.hello

    def slow(library: Library) -> Any:
        time.sleep(0.1)
        return hello(library)

    monkeypatch.setattr(Library, "hello", slow)
    monkeypatch.setattr(RunMonitor, "news", lambda monitor: {"steps": []})
    monkeypatch.setattr("ganache.playground.app.POLL_INTERVAL", 0.01)
    with client(plain, live=True) as browser:
        for _ in range(3):
            with browser.websocket_connect(SOCKET, headers=ORIGIN) as page:
                assert "news" not in received(page)[0]
                assert "news" in received(page)[0]
