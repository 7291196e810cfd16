"""The page on a machine with other accounts: without the token they get nothing, and they cannot find it."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import socket
import stat
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.sync.client import connect

from browser import chromium
from ganache.playground import opening
from playground_client import PATIENCE, read, train
from playground_page import GANACHE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
NOBODY = 65534


def as_nobody(look: Callable[[], Any]) -> Any:
    """What `look` returns, as JSON, in a process of another account."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another account")
    "x".encode("idna")  # loads the codec of host names, whose file the other account may not read
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(theirs, json.dumps(look()).encode())
        except BaseException as error:
            os.write(theirs, json.dumps(repr(error)).encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as file:
        seen = file.read()
    os.waitpid(pid, 0)
    return json.loads(seen)


def processes() -> str:
    """The arguments and, where this account may read them, the variables of all processes."""
    seen = []
    for path in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ", "comm"):
            with suppress(OSError):
                seen.append((path / name).read_bytes().decode(errors="replace"))
    return "\n".join(seen)


class Opened:
    """`ganache explore` that opens a browser, which is a script; what the script was given."""

    def __init__(self, run: Path, folder: Path) -> None:
        given, script, home = folder / "given", folder / "browser", folder / "home"
        home.mkdir()
        script.write_text(f'#!/bin/sh\necho "$1" > {given}.part && mv {given}.part {given}\n')
        script.chmod(0o755)
        variables = os.environ | {"BROWSER": f"{script} %s", "HOME": str(home)}
        command = [GANACHE, "explore", str(run)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
        self.address = self.process.stdout.readline().split()[-1]  # type: ignore[union-attr]
        self.token = self.address.partition("token=")[2]
        end = time.monotonic() + PATIENCE
        while not given.exists() and time.monotonic() < end:
            time.sleep(0.05)
        self.url = given.read_text().strip()
        self.file = Path(urlsplit(self.url).path)


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("accounts")
    opened = Opened(train(folder / "faces"), folder)
    yield opened
    opened.process.terminate()
    opened.process.wait(20)


def test_the_token_is_in_no_process_and_in_one_private_file(explored: Opened) -> None:
    assert len(explored.token) > 30
    assert explored.token not in processes()
    assert explored.url.startswith("file:///")
    assert html.escape(explored.address) in explored.file.read_text()
    assert stat.S_IMODE(explored.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(explored.file.parent.stat().st_mode) == 0o700


def answered(place: str, path: str, *headers: str) -> str:
    """The answer to a request, over a plain socket: another account may not load the modules of a client."""
    host, port = place.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
        lines = [f"GET {path} HTTP/1.1", f"Host: {place}", *headers, "", ""]
        line.sendall("\r\n".join(lines).encode("ascii"))
        line.shutdown(socket.SHUT_WR)
        return line.recv(100_000).decode("latin-1")


def test_another_account_gets_nothing(explored: Opened) -> None:
    place = urlsplit(explored.address).netloc
    upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
    upgrade += ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",)
    requests: list[tuple[str, ...]] = [(path,) for path in ("/", "/?token=", "/?token=x", "/ws", "/names.json")]
    requests += [("/samples.png",), ("/checkpoints/",), ("/page/../names.json",), ("/", "Cookie: token=x")]
    requests += [(path, f"Origin: http://{place}", *upgrade) for path in ("/ws", "/ws?token=", "/ws?token=x")]
    requests += [("/ws", *upgrade)]

    def look() -> dict[str, Any]:
        seen: dict[str, Any] = {"uid": os.getuid(), "in ps": explored.token in processes()}
        seen["answers"] = [answered(place, *request) for request in requests]
        try:
            seen["file"] = explored.file.read_text()
        except PermissionError:
            seen["file"] = "refused"
        return seen

    seen = as_nobody(look)
    assert isinstance(seen, dict), seen
    assert (seen["uid"], seen["in ps"], seen["file"]) == (NOBODY, False, "refused")
    for request, answer in zip(requests, seen["answers"], strict=True):
        assert answer.startswith(("HTTP/1.1 403", "HTTP/1.1 404")), request
        assert len(answer) < 1000, request
        assert explored.token not in answer
        assert "cookie" not in answer.lower()


def test_the_file_leads_to_the_page_and_is_removed_when_it_came(explored: Opened) -> None:
    with chromium() as browser:
        page = browser.new_page()
        page.goto(explored.url)
        page.wait_for_url("http://127.0.0.1:*/**")
        page.locator("#pictures[aria-busy=false]").wait_for()
        assert page.url.startswith(explored.address), "links inside the page keep the token"
        page.reload()
        page.locator("#pictures[aria-busy=false]").wait_for()
    end = time.monotonic() + PATIENCE
    while explored.file.parent.exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert not explored.file.parent.exists()
    place, token = explored.address.split("/?")
    with connect(f"ws{place[4:]}/ws?{token}", origin=place) as page:  # type: ignore[arg-type]
        assert "hello" in read(page.recv(PATIENCE))[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("ending", ["no browser", "cancelled", "an error"])
def test_the_file_is_removed_however_the_opening_ends(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    given = []

    def fake(url: str) -> bool:
        given.append(Path(urlsplit(url).path).read_text())
        if ending == "an error":
            raise OSError("no display")
        return ending != "no browser"

    async def opened() -> None:
        task = asyncio.create_task(opening.open_browser("http://127.0.0.1:1/?token=a&b", lambda: False))
        await asyncio.wait([task], timeout=0.3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    monkeypatch.setattr(webbrowser, "open", fake)
    asyncio.run(opened())
    assert re.findall(r'url=(.*?)"', given[0]) == ["http://127.0.0.1:1/?token=a&amp;b"]
    assert list(tmp_path.iterdir()) == []


def test_without_a_home_the_file_is_in_a_private_folder_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    with opening.leading_to("http://127.0.0.1:1/") as file:
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not file.parent.exists()


def test_what_killed_processes_left_is_removed_at_the_next_start_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    old = time.time() - 3 * opening.PATIENCE
    left, empty, fresh, full, shared, link = (tmp_path / f"ganache-page-{name}" for name in "abcdef")
    for folder in (left, empty, fresh, full, shared):
        folder.mkdir(mode=0o755 if folder == shared else 0o700)
        if folder != empty:
            (folder / ("notes.txt" if folder == full else opening.NAME)).write_text("x")
        if folder != fresh:
            os.utime(folder, (old, old))
    link.symlink_to(shared)
    with opening.leading_to("http://127.0.0.1:1/") as file:
        assert set(tmp_path.iterdir()) == {file.parent, fresh, full, shared, link}
    assert (full / "notes.txt").exists()
    assert (shared / opening.NAME).exists()
