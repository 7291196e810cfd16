"""One page's connection: answers its messages, the most urgent ones first.

Only the newest request for the large picture is answered, an older one that still waits is dropped; the same holds for
the wall of samples and for the view. Other messages wait in a queue. The large picture, requests, and long tasks have a
queue and a thread each, so that slow answers do not delay quick ones.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ganache.errors import ConfigError, GanacheError
from ganache.lab.experiments import EXPERIMENTS
from ganache.playground import answers, wire
from ganache.playground.library import Library
from ganache.playground.limits import CHARACTERS_PER_TOKEN, MAX_WAITING, MAX_WAITING_BYTES, RateLimit
from ganache.playground.ranking import Rankings

log = logging.getLogger(__name__)

Pace = Literal["quick", "slow", "long"]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
FLOOD = 2_000
"""The connection is closed after this many messages beyond the rate limit."""


class Queue:
    """Messages that wait, in order of arrival; a newer message replaces an older one with the same slot."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[Any, tuple[wire.Message, bytes]] = OrderedDict()
        self.arrived = asyncio.Event()

    def put(self, message: wire.Message, upload: bytes = b"") -> None:
        """Append a message. Raises ConfigError if too many wait."""
        slot = message.slot if isinstance(message, wire.Show) else object()
        if slot not in self.waiting and len(self.waiting) >= MAX_WAITING:
            raise ConfigError(f"{MAX_WAITING} requests wait already: wait until some are answered.")
        self.waiting[slot] = (message, upload)
        self.arrived.set()

    async def take(self) -> tuple[wire.Message, bytes]:
        """Remove and return the first message; wait for one if there is none."""
        while not self.waiting:
            self.arrived.clear()
            await self.arrived.wait()
        return self.waiting.popitem(last=False)[1]


class Session:
    """A connection that was accepted."""

    def __init__(
        self,
        socket: WebSocket,
        library: Library,
        rankings: Rankings,
        threads: Mapping[Pace, InThread],
        all_waiting_bytes: Callable[[], int],
    ) -> None:
        """`threads`: per pace, a function that calls a function in a thread.

        `all_waiting_bytes`: returns the sum of `waiting_bytes` of all sessions.
        """
        self.socket, self.library, self.rankings, self.threads = socket, library, rankings, threads
        self.queues = {pace: Queue() for pace in threads}
        self.all_waiting_bytes, self.waiting_bytes = all_waiting_bytes, 0
        self.rate, self.refused = RateLimit(), 0
        self.sending = asyncio.Lock()
        self.rank_tasks: set[asyncio.Task[None]] = set()
        self.news: bytes | None = None
        self.news_task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Answer messages until the page disconnects."""
        tasks = [asyncio.create_task(self.work(self.queues[pace], call)) for pace, call in self.threads.items()]
        try:
            with suppress(WebSocketDisconnect):
                while await self.receive():
                    pass
        finally:
            tasks += [*self.rank_tasks, *([self.news_task] if self.news_task else [])]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def receive(self) -> bool:
        """Read one message and queue it. Return False when the page has disconnected, or sends far too many."""
        received = await self.socket.receive()
        if received["type"] == "websocket.disconnect":
            return False
        text, data = received.get("text"), received.get("bytes")
        received.clear()  # nothing holds the message while a refusal is sent
        refusal = self.refusal_of(text or "", data)
        del text, data
        if refusal is not None:
            await self.send(refusal)
        if self.refused > FLOOD:
            await self.socket.close(1008, "Too many messages were sent.")
        return self.refused <= FLOOD

    def refusal_of(self, text: str, data: bytes | None) -> dict[str, Any] | None:
        """Queue a message, which is a text or, with a picture, bytes. Return the reply that refuses it, or None."""
        if not self.rate.allows(count=1 + len(text) // CHARACTERS_PER_TOKEN):
            self.refused += 1
            number = wire.number_of(text) if len(text) <= CHARACTERS_PER_TOKEN else None
            return {"id": number, "error": "Too many requests per second: this one was dropped."}
        upload = b""
        try:
            if data is not None:
                text, upload = wire.unpack(data)
            message = wire.parse(text)
            if isinstance(message, wire.Invert) != bool(upload):
                raise ConfigError("A message carries a picture if and only if it is 'invert'.")
            if upload and self.all_waiting_bytes() + len(upload) > MAX_WAITING_BYTES:
                raise ConfigError("Other pictures wait already: drop this one again in a moment.")
            self.queues[pace_of(message)].put(message, upload)
            self.waiting_bytes += len(upload)
        except GanacheError as error:
            return {"id": wire.number_of(text), "error": str(error)}
        return None

    async def work(self, queue: Queue, in_thread: InThread) -> None:
        """Answer the messages of a queue, one after another."""
        while True:
            message, upload = await queue.take()
            try:
                await self.answer(message, upload, in_thread)
            except GanacheError as error:
                await self.send({"id": message.id, "error": str(error)})
            except OSError as error:  # a file of the run was removed, or its disk fails
                await self.send({"id": message.id, "error": f"A file of the run cannot be read ({error})."})
            except (WebSocketDisconnect, RuntimeError) as error:
                if isinstance(error, WebSocketDisconnect) or disconnected(self.socket):
                    return
                await self.report_bug(message, error)
            except Exception as error:  # a bug, or no memory left: it must end neither the server nor the page
                await self.report_bug(message, error)
            finally:
                self.waiting_bytes -= len(upload)
                upload = b""  # frees it before the next one comes

    async def report_bug(self, message: wire.Message, error: Exception) -> None:
        """Log an unexpected error, and send it to the page."""
        log.error("A page's request failed: %s", type(message).__name__, exc_info=error)
        words = f"{type(error).__name__}: {error}"[:200]
        await self.send({"id": message.id, "error": f"This request failed ({words}): the page still works."})

    async def answer(self, message: wire.Message, upload: bytes, in_thread: InThread) -> None:
        """Answer one message."""
        if isinstance(message, wire.Rank):
            if len(self.rank_tasks) >= MAX_WAITING:
                raise ConfigError(f"{MAX_WAITING} rankings are being sent already: wait for one of them.")
            task = asyncio.create_task(self.rank(message))
            self.rank_tasks.add(task)
            task.add_done_callback(self.rank_tasks.discard)
            return
        start = time.perf_counter()
        if isinstance(message, wire.Invert):
            header, blobs = await in_thread(lambda: answers.invert(message, upload, self.library))
        else:
            header, blobs = await in_thread(lambda: answers.ANSWERS[type(message)](message, self.library))
        took = round(1000 * (time.perf_counter() - start), 1)
        await self.send({"id": message.id, "ms": took, **header}, blobs)

    async def rank(self, message: wire.Rank) -> None:
        """Send the progress of a ranking, and finally the ranking."""
        with suppress(WebSocketDisconnect, RuntimeError):
            try:
                ranking = self.rankings.get(message.model)
            except GanacheError as error:
                await self.send({"id": message.id, "error": str(error)})
                return
            while not ranking.done:
                changed = ranking.changed
                await self.send({"id": message.id, "more": True, **ranking.message()[0]})
                await changed.wait()
                await asyncio.sleep(0.25)
            header, blobs = ranking.message()
            await self.send({"id": message.id, **header}, blobs)

    def send_news(self, news: bytes) -> None:
        """Send the state of a run in training, without waiting; a slow page gets only the newest."""
        self.news = news
        if self.news_task is None or self.news_task.done():
            self.news_task = asyncio.create_task(self.send_newest())

    async def send_newest(self) -> None:
        """Send the newest state until there is nothing newer."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while self.news is not None:
                data, self.news = self.news, None
                async with self.sending:
                    await self.socket.send_bytes(data)

    async def send(self, header: dict[str, Any], blobs: list[bytes] | None = None) -> None:
        """Send one reply as a whole."""
        data = wire.pack(header, blobs or [])
        async with self.sending:
            await self.socket.send_bytes(data)


def pace_of(message: wire.Message) -> Pace:
    """Return the queue of a message."""
    if isinstance(message, wire.Show):
        if message.slot == "picture":
            return "quick"
        kind = message.request.get("kind")
        experiment = EXPERIMENTS.get(kind) if isinstance(kind, str) else None
        return "long" if experiment is not None and experiment.takes_long else "slow"
    return "long" if isinstance(message, (wire.Own, wire.Invert, wire.Learn, wire.Save)) else "slow"


def disconnected(socket: WebSocket) -> bool:
    """Return whether the page has disconnected."""
    return WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state)
