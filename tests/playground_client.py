"""A page as the tests have one: what it sends, and how it reads what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

from ganache.cli import main
from ganache.playground import AccessPolicy, Library, application

ADDRESS = "127.0.0.1:8123"
ACCESS = AccessPolicy("127.0.0.1", 8123, "a-token-of-the-tests")
PAGE = f"/?token={ACCESS.token}"
SOCKET = f"ws://{ADDRESS}/ws?token={ACCESS.token}"
ORIGIN = {"origin": f"http://{ADDRESS}"}
PICTURE = {"kind": "picture", "points": [3]}

PATIENCE = 60
"""Seconds after which a reply will not come, however slow the machine."""

FACES = ["train", "faces", "--size", "16", "--data.count", "30", "--network.z-dim", "6", "--projected.weight", "0"]
BRIEF = ["--network.width", "4", "--batch", "4", "--steps", "2", "--record.keep_steps", "1", "--record.samples", "4"]
FAST = ["--generator-optimiser.lr", "0.3"]
"""So that two steps lead to something to see: at first all pictures are one grey."""


def train(folder: Path, words: list[str] = FACES, *more: str) -> Path:
    """A run of two steps, with checkpoints of both."""
    main([*words, *BRIEF, *FAST, *more, "--out", str(folder)])
    return folder


def client(*runs: Path, access: AccessPolicy | None = None, live: bool = False, data: str = "") -> TestClient:
    """A browser at the page of these runs."""
    library = Library([str(run) for run in runs], data=data, live=live)
    app = application(library, access or ACCESS, live)
    return TestClient(app, base_url=f"http://{ADDRESS}")


def read(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """A reply's header and pictures."""
    end = 4 + int.from_bytes(data[:4], "big")
    header = json.loads(data[4:end])
    blobs = []
    for length in header["blobs"]:
        blobs.append(data[end : end + length])
        end += length
    assert end == len(data)
    return header, blobs


def received(page: WebSocketTestSession) -> tuple[dict[str, Any], list[bytes]]:
    """What the page is told next. A page that once waited in vain is told nothing more, and fails at once.

    Without this bound a test could wait for ever: hypothesis takes pytest-timeout's interruption for one more failing
    example and goes on, while what was interrupted still waits in the loop and takes the next example's reply.
    """
    assert not getattr(page, "waited", False), "a reply did not come before"
    coming = page.portal.start_task_soon(page._send_rx.receive)
    try:
        message = coming.result(PATIENCE)
    except TimeoutError:
        page.waited = True  # type: ignore[attr-defined]
        coming.cancel()
        raise AssertionError(f"no reply came for {PATIENCE} s") from None
    page._raise_on_close(message)
    return read(message["bytes"])


def ask(page: WebSocketTestSession, ask: str, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Send a message, and wait for its last reply."""
    number = fields.pop("id", 7)
    page.send_text(json.dumps({"ask": ask, "id": number, **fields}))
    return reply(page, number)


def reply(page: WebSocketTestSession, number: int | None) -> tuple[dict[str, Any], list[bytes]]:
    """The last reply to a message."""
    while True:
        header, blobs = received(page)
        if header.get("id", "") == number and not header.get("more"):
            return header, blobs
