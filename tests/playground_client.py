"""A page as the tests have one: what it sends, and how it reads what it is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient, WebSocketTestSession

from ganache.cli import main
from ganache.playground import Door, Library, application

ADDRESS = "127.0.0.1:8123"
SOCKET = f"ws://{ADDRESS}/ws"
ORIGIN = {"origin": f"http://{ADDRESS}"}
PICTURE = {"kind": "picture", "points": [3]}

FACES = ["train", "faces", "--size", "16", "--data.count", "30", "--network.z-dim", "6"]
BRIEF = ["--network.width", "4", "--batch", "4", "--steps", "2", "--record.marks", "1", "--record.samples", "4"]


def train(folder: Path, words: list[str] = FACES, *more: str) -> Path:
    """A run of two steps, with checkpoints of both."""
    main([*words, *BRIEF, *more, "--out", str(folder)])
    return folder


def client(*runs: Path, door: Door | None = None, live: bool = False, data: str = "") -> TestClient:
    """A browser at the page of these runs."""
    library = Library([str(run) for run in runs], data=data, live=live)
    app = application(library, door or Door("127.0.0.1", 8123), live)
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


def ask(page: WebSocketTestSession, ask: str, **fields: Any) -> tuple[dict[str, Any], list[bytes]]:
    """Send a message, and wait for its last reply."""
    number = fields.pop("id", 7)
    page.send_text(json.dumps({"ask": ask, "id": number, **fields}))
    return reply(page, number)


def reply(page: WebSocketTestSession, number: int | None) -> tuple[dict[str, Any], list[bytes]]:
    """The last reply to a message."""
    while True:
        header, blobs = read(page.receive_bytes())
        if header.get("id", "") == number and not header.get("more"):
            return header, blobs
