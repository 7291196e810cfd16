"""The page's server under attack: what it holds in memory, how long it waits, and what it logs, all have limits."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
import uvicorn
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.sync.client import ClientConnection, connect

from ganache.errors import ConfigError
from ganache.playground import AccessPolicy, Library, application, connections, wire
from ganache.playground.limits import MAX_SESSIONS, MAX_WAITING, MAX_WAITING_BYTES, RateLimit
from ganache.playground.ranking import Ranking
from ganache.playground.serving import listen
from ganache.playground.session import Session
from playground_client import ORIGIN, PATIENCE, PICTURE, SOCKET, client, read, reply, train
from playground_page import GANACHE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process in /proc")
MIB = 2**20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


class Served:
    """A server in a process of its own: its address, its memory, and what it says on standard error."""

    def __init__(self, run: Path, errors: Path) -> None:
        self.errors = errors
        with errors.open("w") as file:
            words = [GANACHE, "explore", str(run), "--no-browser"]
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=file, text=True)
        self.address = self.process.stdout.readline().split()[-1]  # type: ignore[union-attr]

    def memory(self, kind: str) -> float:
        """`VmRSS`, or `VmHWM` for the largest since `forget_largest`, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    @contextmanager
    def takes_less_than(self, mib: float) -> Iterator[None]:
        """Assert that the server takes less memory meanwhile, still answers, and says hardly anything."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        before = self.memory("VmRSS")
        yield
        with page(self.address) as other:
            other.send(json.dumps({"ask": "show", "id": 1, "slot": "picture", "request": PICTURE, "models": [{}]}))
            assert "shown" in answer(other, 1)
        assert self.memory("VmHWM") - before < mib
        assert self.errors.stat().st_size < 100_000


@pytest.fixture(scope="module")
def served(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = Served(run, tmp_path_factory.mktemp("log") / "errors")
    with page(server.address) as first:  # loads all that every page needs
        first.send(packed(picture("RGB", 64, 64)))
        answer(first, 9)
    yield server
    server.process.terminate()
    server.process.wait(20)


@contextmanager
def page(address: str) -> Iterator[ClientConnection]:
    """The WebSocket of a page."""
    place, token = address.split("/?")
    with connect(f"ws{place[4:]}/ws?{token}", origin=place, max_size=None, compression=None) as connection:  # type: ignore[arg-type]
        yield connection


def answer(connection: ClientConnection, number: int | None) -> dict[str, Any]:
    """The next reply to a message."""
    while True:
        header, _ = read(connection.recv(PATIENCE))  # type: ignore[arg-type]
        if header.get("id", "") == number and "hello" not in header:
            return header


def packed(upload: bytes, text: str = '{"ask": "invert", "id": 9, "model": {}}') -> bytes:
    return struct.pack(">I", len(text)) + text.encode() + upload


def picture(mode: str, width: int, height: int, kind: str = "PNG") -> bytes:
    """A picture of one colour, which is a small file at every size."""
    file = io.BytesIO()
    options = {"compression": "tiff_adobe_deflate"} if kind == "TIFF" else {}
    Image.new(mode, (width, height)).save(file, kind, **options)
    return file.getvalue()


def wire_frame(opcode: Opcode, data: bytes, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def opened(address: str) -> socket.socket:
    return socket.create_connection((urlsplit(address).hostname, urlsplit(address).port), timeout=PATIENCE)


# ---- memory ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "side", "kind"), [("1", 11_000, "PNG"), ("F", 7000, "TIFF")])
def test_a_dropped_picture_that_would_fill_the_memory_is_refused(
    served: Served, mode: str, side: int, kind: str
) -> None:
    upload = picture(mode, side, side, kind)
    assert len(upload) < wire.LARGEST_UPLOAD
    with served.takes_less_than(60), page(served.address) as one:
        one.send(packed(upload))
        assert "cannot be used as a picture" in answer(one, 9)["error"]


@pytest.mark.slow
def test_large_pictures_of_several_pages_are_decoded_one_after_another(served: Served) -> None:
    upload = picture("RGB", 4500, 4500)
    with served.takes_less_than(250), ExitStack() as stack:
        pages = [stack.enter_context(page(served.address)) for _ in range(3)]
        for one in pages:
            one.send(packed(upload))
        for one in pages:
            assert "latent" in answer(one, 9)


@pytest.mark.slow
def test_pictures_that_wait_share_one_limit(served: Served) -> None:
    upload = packed(b"\x89PNG\r\n\x1a\n" + bytes(wire.LARGEST_UPLOAD - 100))
    refused = []
    with served.takes_less_than(200), ExitStack() as stack:
        pages = [stack.enter_context(page(served.address)) for _ in range(12)]
        for _ in range(3):
            for one in pages:
                with suppress(ConnectionClosed):
                    one.send(upload)
        for one in pages:
            with suppress(ConnectionClosed, TimeoutError):
                refused.append(answer(one, 9)["error"])
    assert all("cannot be used as a picture" in each or "again in a moment" in each for each in refused)


def test_messages_that_arrive_in_part_share_one_limit(served: Served) -> None:
    begun = wire_frame(Opcode.BINARY, bytes(wire.LARGEST_UPLOAD - 100))[:-50]
    with served.takes_less_than(200):
        lines = []
        for _ in range(MAX_SESSIONS - 2):
            lines.append(opened(served.address))
            with suppress(OSError):
                lines[-1].sendall(handshake(served.address) + begun)
        time.sleep(0.5)
        for line in lines:
            line.close()


def closed(connection: ClientConnection, patience: float = 0.01) -> bool:
    """Whether the server has closed a connection, or says nothing for `patience` seconds."""
    try:
        while True:
            connection.recv(patience)
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("length", [0, 1])
def test_a_message_in_a_million_fragments_ends_its_connection(served: Served, length: int) -> None:
    piece = wire_frame(Opcode.CONT, bytes(length), fin=False) * 10_000
    with served.takes_less_than(60), page(served.address) as one:
        with suppress(OSError):
            one.socket.sendall(wire_frame(Opcode.BINARY, b"x", fin=False))
            for _ in range(100):
                one.socket.sendall(piece)
        assert closed(one, PATIENCE)


def test_pings_of_a_page_that_does_not_read_fill_no_memory(served: Served) -> None:
    with served.takes_less_than(60), page(served.address) as one:
        one.recv(PATIENCE)
        silent = opened(served.address)
        silent.sendall(handshake(served.address))
        pings = wire_frame(Opcode.PING, bytes(125)) * 5_000
        silent.settimeout(1)
        with suppress(OSError):
            for _ in range(200):
                silent.sendall(pings)
        silent.close()


def handshake(address: str) -> bytes:
    place, token = address.split("/?")
    lines = [
        f"GET /ws?{token} HTTP/1.1",
        f"Host: {urlsplit(place).netloc}",
        f"Origin: {place}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


RATE = "Too many requests per second"


def test_long_messages_are_refused_before_they_are_parsed(served: Served) -> None:
    text = '{"ask": "tell", "id": 9, "models": [' + "[]," * 2_500_000 + "[]]}"
    with served.takes_less_than(60), page(served.address) as one:
        one.send(text)
        assert "send a shorter one" in answer(one, None)["error"], "not even its number is read"
        error = RATE
        while error.startswith(RATE):  # a long message counts as several
            time.sleep(0.2)
            one.send(packed(b"", text))
            error = answer(one, None)["error"]
        assert "not a header" in error


def test_a_request_without_an_end_is_refused_and_little_of_it_is_kept(served: Served) -> None:
    with served.takes_less_than(60):
        for start in (b"GET / HTTP/1.1\r\n", b"GET /", handshake(served.address)[:-2]):
            with opened(served.address) as line, suppress(OSError):
                line.sendall(start)
                for number in range(2000):
                    line.sendall(b"x%d: " % number + b"y" * 32_000 + b"\r\n")


def test_a_handshake_that_the_library_refuses_does_not_fill_the_log(served: Served) -> None:
    odd = handshake(served.address)[:-2] + b"X-Long: " + b"y" * 12_000 + b"\r\n\r\n"
    with served.takes_less_than(60):
        for _ in range(100):
            with opened(served.address) as line, suppress(OSError):
                line.sendall(odd)
                line.recv(1000)


def test_pictures_that_wait_are_counted_until_they_are_answered() -> None:
    waiting = 0
    one = Session(None, None, None, {"long": None}, lambda: waiting)  # type: ignore[arg-type, dict-item]
    message = packed(bytes(1000))
    assert one.refusal_of("", message) is None
    assert one.waiting_bytes == 1000
    waiting = MAX_WAITING_BYTES - 999
    refusal = one.refusal_of("", message)
    assert refusal is not None
    assert (refusal["id"], one.waiting_bytes) == (9, 1000)
    assert "again in a moment" in refusal["error"]


@pytest.mark.slow
def test_answered_and_refused_pictures_are_counted_no_more(run: Path) -> None:
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as one:
        for _ in range(3):
            one.send_bytes(packed(picture("RGB", 64, 64)))
            one.send_bytes(packed(b"no picture"))
        assert ["error" in reply(one, 9)[0] for _ in range(6)] == [False, True] * 3
        assert browser.app.state.playground.waiting_bytes() == 0  # type: ignore[attr-defined]


def test_a_page_that_asks_for_rankings_and_does_not_read_has_a_limit() -> None:
    class Rankings:
        def get(self, which: object) -> object:
            return Ranking()  # never done

    class Silent:
        sent: ClassVar[list[bytes]] = []

        async def send_bytes(self, data: bytes) -> None:
            self.sent.append(data)

    async def ask() -> int:
        one = Session(Silent(), None, Rankings(), {}, int)  # type: ignore[arg-type]
        for number in range(MAX_WAITING):
            await one.answer(wire.Rank(number, wire.Which()), b"", None)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="wait for one of them"):
            await one.answer(wire.Rank(99, wire.Which()), b"", None)  # type: ignore[arg-type]
        count = len(one.ranks)
        for task in list(one.ranks):
            task.cancel()
        await asyncio.gather(*one.ranks, return_exceptions=True)
        return count

    assert asyncio.run(ask()) == MAX_WAITING


# ---- rates and connections -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [b"", b"\0", b"\xff\xff\xff\xff{}", b"\0\0\0\x02{}x", "", "[]", "\ud7ff"])
def test_whatever_is_sent_counts_as_a_message(served: Served, message: bytes | str) -> None:
    said = []
    with page(served.address) as one:
        for _ in range(260):
            one.send(message)
        for _ in range(260):
            said.append(answer(one, None)["error"])
    assert sum("Too many requests" in each for each in said) > 10


def test_a_long_message_counts_as_several() -> None:
    rate = RateLimit(per_second=10, burst=5)
    now = rate.last
    assert rate.allows(lambda: now, count=4)
    assert not rate.allows(lambda: now, count=2)
    assert rate.allows(lambda: now, count=1)
    assert rate.allows(lambda: now + 1, count=1_000), "one message may always use a whole burst"
    assert not rate.allows(lambda: now + 1)


@contextmanager
def here(run: Path, token: str = "a-token") -> Iterator[str]:
    """A server in a thread of this process, which sees what a test changes; its address."""
    listening = listen("127.0.0.1", 0)
    access = AccessPolicy("127.0.0.1", listening.getsockname()[1], token)
    server = uvicorn.Server(connections.configuration(application(Library([str(run)]), access)))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield access.address
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize(
    "start",
    [b"", b"GET / HTT", b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"],
)
def test_a_request_that_never_ends_is_ended(run: Path, monkeypatch: pytest.MonkeyPatch, start: bytes) -> None:
    monkeypatch.setattr(connections, "HTTP_SECONDS", 0.2)
    with here(run) as address, page(address) as one, opened(address) as line:
        line.sendall(start)
        with suppress(ConnectionResetError):
            while line.recv(1000):
                pass
        one.send("[]")
        assert "error" in answer(one, None), "a WebSocket lives as long as the page"


def test_half_requests_keep_nobody_out(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 20)
    with here(run) as address, page(address) as one, ExitStack() as stack:
        for _ in range(60):
            line = stack.enter_context(opened(address))
            with suppress(OSError):
                line.sendall(b"GET / HTTP/1.1\r\n")
        with page(address) as other:
            assert "hello" in read(other.recv(PATIENCE))[0]  # type: ignore[arg-type]
        one.send("[]")
        assert "error" in answer(one, None)


def test_there_are_fewer_connections_than_files_that_may_be_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    for files, most in (
        (64, 16),
        (100_000, connections.MAX_CONNECTIONS),
        (resource.RLIM_INFINITY, connections.MAX_CONNECTIONS),
    ):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert connections.most_connections() == most


def test_the_log_has_a_limit() -> None:
    limited = connections.LimitedLog()
    record = logging.LogRecord("x", logging.ERROR, "", 1, "words", (), None)
    assert sum(limited.filter(record) for _ in range(1000)) == connections.LOG_LINES
