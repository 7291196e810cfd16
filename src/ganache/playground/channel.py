"""One page's connection: takes its messages within limits, queues them, and answers the most urgent ones first.

Of messages with the same slot, only the newest that waits is answered. Others wait in a queue. Each pace has a queue
and a thread, so that slow answers do not delay quick ones.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from ganache.errors import ConfigError, GanacheError
from ganache.playground import wire
from ganache.playground.limits import CHARACTERS_PER_TOKEN, MAX_WAITING, MAX_WAITING_BYTES, RateLimit

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
        slot = getattr(message, "slot", None) or object()
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


class Channel(ABC):
    """A connection that was accepted. A subclass says which messages there are, and answers them."""

    def __init__(
        self, socket: WebSocket, threads: Mapping[Pace, InThread], all_waiting_bytes: Callable[[], int] = lambda: 0
    ) -> None:
        """`threads`: per pace, a function that calls a function in a thread.

        `all_waiting_bytes`: returns the sum of `waiting_bytes` of all channels.
        """
        self.socket, self.threads = socket, threads
        self.queues = {pace: Queue() for pace in threads}
        self.all_waiting_bytes, self.waiting_bytes = all_waiting_bytes, 0
        self.rate, self.refused = RateLimit(), 0
        self.sending = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()
        """Tasks that end with the connection."""

    @abstractmethod
    def parse(self, text: str) -> wire.Message:
        """Return a message. Raises ConfigError if it is invalid."""

    @abstractmethod
    def pace_of(self, message: wire.Message) -> Pace:
        """Return the queue of a message."""

    @abstractmethod
    async def answer(self, message: wire.Message, upload: bytes, in_thread: InThread) -> None:
        """Answer one message, which may have a picture's file. Raises GanacheError, which is sent."""

    async def run(self) -> None:
        """Answer messages until the page disconnects."""
        tasks = [asyncio.create_task(self.work(self.queues[pace], call)) for pace, call in self.threads.items()]
        try:
            with suppress(WebSocketDisconnect):
                while await self.receive():
                    pass
        finally:
            tasks += self.tasks
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def begin(self, work: Any) -> asyncio.Task[None]:
        """Start a task that ends with the connection."""
        task: asyncio.Task[None] = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

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
            message = self.parse(text)
            if message.has_file != bool(upload):
                raise ConfigError("A message carries a picture if and only if it is 'invert'.")
            if upload and self.all_waiting_bytes() + len(upload) > MAX_WAITING_BYTES:
                raise ConfigError("Other pictures wait already: drop this one again in a moment.")
            self.queues[self.pace_of(message)].put(message, upload)
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

    async def send(self, header: dict[str, Any], blobs: list[bytes] | None = None) -> None:
        """Send one reply as a whole."""
        data = wire.pack(header, blobs or [])
        async with self.sending:
            await self.socket.send_bytes(data)


def disconnected(socket: WebSocket) -> bool:
    """Return whether the page has disconnected."""
    return WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state)
