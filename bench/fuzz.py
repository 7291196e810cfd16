"""Random and mutated requests to `ganache explore`: no failure, no missing answer, no growth.

    python bench/fuzz.py [SECONDS]

hypothesis generates HTTP requests, and sockets send bytes that are not HTTP. Mutated messages of every kind are sent
over connections that are opened and dropped. The program prints what was sent, the outcomes, and the server's memory,
threads and files before and after. The exit code is 1 if an answer was missing or a 5xx, if the server wrote a
traceback, or if it ended.
"""

from __future__ import annotations

import copy
import http.client
import json
import logging
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from ganache.cli import main as ganache
from ganache.playground.wire import number_of

PATIENCE = 60.0
"""Seconds after which a message counts as unanswered."""
PAGES = 4
"""Connections at once."""
WARM = 0.1
"""The share of the time after which memory is first read: by then everything was used once."""

PICTURE: dict[str, Any] = {"kind": "picture", "points": [3], "dimensions": [1], "values": [0.5], "std": 0.7}
SOUND: list[dict[str, Any]] = [
    {"ask": "show", "slot": "picture", "request": PICTURE, "models": [{}], "base": True},
    {"ask": "show", "slot": "wall", "request": {"kind": "sample", "n": 4, "mean": 0.1}, "models": [{"run": 0}]},
    {"ask": "show", "slot": "pins", "request": {"kind": "picture", "points": [1, [2, 3], "sefa1"]}, "models": [{}]},
    {"ask": "show", "slot": "view", "request": {"kind": "traverse", "dimension": 2}, "models": [{"step": 1}]},
    {"ask": "show", "slot": "view", "request": {"kind": "walk", "frames": 2, "points": [1, 2]}, "models": [{}]},
    {"ask": "show", "slot": "view", "request": {"kind": "truncation", "n": 2}, "models": [{}]},
    {"ask": "show", "slot": "view", "request": {"kind": "average", "n": 2}, "models": [{}, {"step": 1}]},
    {"ask": "show", "slot": "view", "request": {"kind": "distribution", "n": 3, "means": [0.0]}, "models": [{}]},
    {"ask": "show", "slot": "view", "request": {"kind": "neighbours", "points": [3], "k": 2}, "models": [{}]},
    {"ask": "tell", "request": PICTURE, "models": [{}]},
    {"ask": "mix", "a": 3, "b": {"seeds": [4], "std": 0.5}, "t": 0.5, "model": {}},
    {"ask": "rank", "model": {}},
    {"ask": "own", "how": "sefa", "model": {}},
    {"ask": "learn", "name": "smile", "having": [1], "lacking": [2, 3], "model": {}},
    {"ask": "keep", "run": 0, "name": "mine", "kept": {"seeds": [5], "std": 0.3}},
    {"ask": "forget", "run": 0, "name": "mine"},
    {"ask": "save", "request": PICTURE, "models": [{}], "plain": True},
    {"ask": "save", "request": {"kind": "walk", "frames": 2, "points": [1, 2]}, "models": [{}], "kind": "gif"},
]
ODD: list[Any] = [None, True, -1, 0, 7, 10**20, 1e308, float("nan"), float("inf")]
ODD += ["", "\ud800", "../../etc/passwd", [], {}]
ODD += [[[[[]]]], "x" * 5000, [0] * 3000, {"vector": [0.1] * 6}, {"vector": [1e300] * 6}, {"seeds": [1, 2]}, "smile"]

PATHS = st.sampled_from(["/", "/ws", "/page/main.js", "/page/../app.py", "/page/%2e%2e%2fapp.py"])
PATHS |= st.binary(max_size=40).map(lambda data: "/" + quote(data))
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY"])
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30)
NAMES = st.sampled_from(["Host", "Origin", "Cookie", "Range", "Upgrade", "Connection", "Sec-WebSocket-Key", "X-Own"])


class Tally:
    """Counts of what was sent, by outcome."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.wrong: list[str] = []

    def fail(self, what: str) -> None:
        self.wrong.append(what[:300])
        print("WRONG:", what[:300], flush=True)


def mutated(message: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a valid message in which a few values, at any depth, were replaced, removed or added."""
    message = json.loads(json.dumps(message))
    for _ in range(chance.choice((0, 0, 1, 1, 2, 4))):
        place: Any = message
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = chance.choice(keys)
            if isinstance(place[key], (dict, list)) and place[key] and chance.random() < 0.7:
                place = place[key]
                continue
            if key == "ask" or chance.random() < 0.8:
                place[key] = copy.deepcopy(chance.choice([*ODD, *(each["ask"] for each in SOUND)]))
            else:
                del place[key]
            break
        if isinstance(place, dict) and chance.random() < 0.1:
            place[chance.choice(["data", "images", "n", "classes", "std", "own"])] = copy.deepcopy(chance.choice(ODD))
    return message


def answered(page: Any, number: int | None) -> dict[str, Any]:
    """Return the last reply to a message, or to one whose number could not be read."""
    while True:
        data = page.recv(PATIENCE)
        header: dict[str, Any] = json.loads(data[4 : 4 + int.from_bytes(data[:4], "big")])
        if header.get("id") in (number, None) and "hello" not in header and not header.get("more"):
            return header


def messages(address: str, until: float, seed: int, tally: Tally) -> None:
    """Repeatedly open a connection, send messages, and drop it in different ways."""
    chance = random.Random(seed)
    while time.monotonic() < until:
        try:
            place, token = address.split("/?")
            with connect(f"ws{place[4:]}/ws?{token}", origin=Origin(place), max_size=None) as page:
                tally.counts["connections"] += 1
                for number in range(chance.randrange(60)):
                    if not talk(page, number, chance, tally):
                        break
                if chance.random() < 0.3:
                    page.socket.shutdown(socket.SHUT_RDWR)
        except (WebSocketException, OSError) as error:
            tally.counts[f"connections closed by the server ({type(error).__name__})"] += 1


def talk(page: Any, number: int, chance: random.Random, tally: Tally) -> bool:
    """Send one message and read its answer; return False if the answer is not awaited."""
    message = {"id": number, **mutated(chance.choice(SOUND), chance)}
    text = json.dumps(message)
    if chance.random() < 0.1:
        text = text[: chance.randrange(len(text))] + chance.choice(["", "\x00", "}", "é" * 9])
    data = text.encode() if chance.random() < 0.1 else text
    if chance.random() < 0.02:
        data = chance.randbytes(chance.choice((0, 3, 4, 80, 9_000_000)))
    page.send(data)
    tally.counts["messages"] += 1
    if chance.random() < 0.02:
        return False
    try:
        header = answered(page, number_of(text))
    except TimeoutError:
        tally.fail(f"unanswered <- {text[:200]}")
        return False
    tally.counts["messages refused" if "error" in header else "messages answered"] += 1
    if "could not be done" in header.get("error", ""):
        tally.fail(f"{header['error']} <- {text[:200]}")
    time.sleep(0.01)
    return True


def requests(port: int, until: float, tally: Tally) -> None:
    """Send HTTP requests that hypothesis generates."""

    @settings(
        max_examples=200, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @given(
        METHODS,
        PATHS,
        st.lists(st.tuples(NAMES, LATIN), max_size=3),
        st.binary(max_size=50),
        st.sampled_from([True] * 5 + [False]),
    )
    def ask(method: str, path: str, headers: list[tuple[str, str]], body: bytes, host: bool) -> None:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        line.putrequest(method, path, skip_host=not host)
        for name, value in headers:
            line.putheader(name, value.strip().encode("latin-1"))
        line.putheader("Content-Length", str(len(body)))
        line.endheaders(body)
        tally.counts["requests"] += 1
        try:
            status = line.getresponse().status
        except http.client.HTTPException as error:
            tally.counts[f"requests: {type(error).__name__}"] += 1
        else:
            tally.counts[f"requests: {status}"] += 1
            if status >= 500:
                tally.fail(f"{status} <- {method} {path} {headers}")
        line.close()

    chance = random.Random(PAGES)
    while time.monotonic() < until:
        ask()
        for _ in range(20):  # bytes that are no request, and lines that go silent
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(
                    chance.choice((b"GET / HTTP/1.1\r\n", b"\r\n", b"")) + chance.randbytes(chance.randrange(99))
                )
                tally.counts["lines of random bytes"] += 1


def state_of(pid: int) -> str:
    """Return memory, threads and open files of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    memory = int(status["VmRSS"].split()[0]) / 1024
    files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return f"{memory:.0f} MiB, {status['Threads'].strip()} threads, {files} files"


def main(seconds: float = 600.0) -> None:
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        run = f"{folder}/faces"
        words = ["--size", "16", "--data.count", "30", "--network.z-dim", "6", "--network.width", "4", "--batch", "4"]
        ganache(["train", "faces", *words, "--steps", "2", "--record.keep_steps", "1", "--out", run])
        with open(f"{folder}/errors", "w+") as errors:
            command = [str(Path(sys.executable).with_name("ganache")), "explore", run, "--no-browser"]
            server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
            address = server.stdout.readline().split()[-1]  # type: ignore[union-attr]
            port = urlsplit(address).port
            until = time.monotonic() + seconds
            threads = [threading.Thread(target=messages, args=(address, until, seed, tally)) for seed in range(PAGES)]
            threads.append(threading.Thread(target=requests, args=(port, until, tally)))
            for thread in threads:
                thread.start()
            for share in (WARM, 0.25, 0.5, 0.75):
                time.sleep(max(0.0, until - (1 - share) * seconds - time.monotonic()))
                print(f"after {share * seconds:.0f} s: {state_of(server.pid)}", flush=True)
            for thread in threads:
                thread.join()
            time.sleep(2)
            ended = server.poll()
            print(f"after {seconds:.0f} s: {state_of(server.pid) if ended is None else f'it ended with {ended}'}")
            server.terminate()
            server.wait(10)
            errors.seek(0)
            said = errors.read()
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,} {name}")
    print(f"{len(tally.wrong)} wrong; the server said {len(said.splitlines())} lines to stderr.\n{said[-2000:]}")
    sys.exit(bool(tally.wrong or ended is not None or "Traceback" in said))


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
