"""One page's connection: what it asks, in the order that matters to whoever looks at it.

The newest request for the large picture takes the place of an older one that still waits, and so it is with the wall
and the view; all else waits its turn. Pictures of a slider go through a lane of their own, and what takes seconds
through another, so that nothing slow holds up what is quick.
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
from ganache.playground import answers, wire
from ganache.playground.library import Library
from ganache.playground.limits import MOST_WAITING, Rate
from ganache.playground.ranking import Rankings

log = logging.getLogger(__name__)

Pace = Literal["quick", "slow", "long"]
InThread = Callable[[Callable[[], Any]], Awaitable[Any]]
FLOOD = 2_000
"""So many messages too many, and the connection is closed."""


class Lane:
    """Messages that wait: of each slot the newest, in the order in which they first came."""

    def __init__(self) -> None:
        self.waiting: OrderedDict[Any, tuple[wire.Message, bytes]] = OrderedDict()
        self.came = asyncio.Event()

    def put(self, message: wire.Message, upload: bytes = b"") -> None:
        """Raises ConfigError where too many wait already."""
        slot = message.slot if isinstance(message, wire.Show) else object()
        if slot not in self.waiting and len(self.waiting) >= MOST_WAITING:
            raise ConfigError(f"{MOST_WAITING} requests wait already: let some be answered first.")
        self.waiting[slot] = (message, upload)
        self.came.set()

    async def take(self) -> tuple[wire.Message, bytes]:
        while not self.waiting:
            self.came.clear()
            await self.came.wait()
        return self.waiting.popitem(last=False)[1]


class Session:
    """A connection that has been let in."""

    def __init__(
        self, socket: WebSocket, library: Library, rankings: Rankings, threads: Mapping[Pace, InThread]
    ) -> None:
        """`threads` call a function in a thread of their own."""
        self.socket, self.library, self.rankings, self.threads = socket, library, rankings, threads
        self.lanes = {pace: Lane() for pace in threads}
        self.rate, self.refused = Rate(), 0
        self.sending = asyncio.Lock()
        self.news: bytes | None = None
        self.telling: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Until the page goes."""
        tasks = [asyncio.create_task(self.work(self.lanes[pace], call)) for pace, call in self.threads.items()]
        try:
            with suppress(WebSocketDisconnect):
                while await self.receive():
                    pass
        finally:
            tasks += [self.telling] if self.telling else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def receive(self) -> bool:
        """Read one message, and let it wait for its answer; False when the page has gone, or does not stop."""
        got = await self.socket.receive()
        if got["type"] == "websocket.disconnect":
            return False
        text, upload = got.get("text"), b""
        try:
            if text is None:
                text, upload = wire.unpack(got["bytes"])
            self.refuse_too_fast()
            message = wire.parse_header(text) if upload else wire.parse(text)
            if isinstance(message, wire.Invert) != bool(upload):
                raise ConfigError("A picture comes with 'invert', and with nothing else.")
            self.lanes[pace_of(message)].put(message, upload)
        except GanacheError as error:
            await self.send({"id": wire.number_of(text) if text else None, "error": str(error)})
        if self.refused > FLOOD:
            await self.socket.close(1008, "Too many messages were sent.")
        return self.refused <= FLOOD

    def refuse_too_fast(self) -> None:
        """Raise ConfigError for a message that comes too soon after others."""
        if not self.rate.allows():
            self.refused += 1
            raise ConfigError("Too many requests at once: this one was left out.")

    async def work(self, lane: Lane, in_thread: InThread) -> None:
        """Answer what waits in a lane, one after another."""
        while True:
            message, upload = await lane.take()
            try:
                await self.answer(message, upload, in_thread)
            except GanacheError as error:
                await self.send({"id": message.id, "error": str(error)})
            except (WebSocketDisconnect, RuntimeError) as error:
                if isinstance(error, WebSocketDisconnect) or gone(self.socket):
                    return
                await self.failed(message, error)
            except Exception as error:  # a bug of ours, or no memory left: it must end neither the server nor the page
                await self.failed(message, error)

    async def failed(self, message: wire.Message, error: Exception) -> None:
        """Tell of what should not have happened."""
        log.error("A page's request failed: %s", type(message).__name__, exc_info=error)
        words = f"{type(error).__name__}: {error}"[:200]
        await self.send({"id": message.id, "error": f"This could not be done ({words}); the page goes on."})

    async def answer(self, message: wire.Message, upload: bytes, in_thread: InThread) -> None:
        """Answer one message."""
        if isinstance(message, wire.Rank):
            asyncio.create_task(self.rank(message))  # noqa: RUF006  (it ends with the ranking or the connection)
            return
        start = time.perf_counter()
        if isinstance(message, wire.Invert):
            header, blobs = await in_thread(lambda: answers.invert(message, upload, self.library))
        else:
            header, blobs = await in_thread(lambda: answers.ANSWERS[type(message)](message, self.library))
        took = round(1000 * (time.perf_counter() - start), 1)
        await self.send({"id": message.id, "ms": took, **header}, blobs)

    async def rank(self, message: wire.Rank) -> None:
        """Tell how far the ranking is, and in the end the ranking."""
        with suppress(WebSocketDisconnect, RuntimeError):
            try:
                ranking = self.rankings.of(message.model)
            except GanacheError as error:
                await self.send({"id": message.id, "error": str(error)})
                return
            while not ranking.done:
                changed = ranking.changed
                await self.send({"id": message.id, "more": True, **ranking.told()[0]})
                await changed.wait()
                await asyncio.sleep(0.25)
            header, blobs = ranking.told()
            await self.send({"id": message.id, **header}, blobs)

    def tell(self, news: bytes) -> None:
        """Send what nobody asked for; of a page that is slow to read nobody waits, and it gets the newest."""
        self.news = news
        if self.telling is None or self.telling.done():
            self.telling = asyncio.create_task(self.tell_newest())

    async def tell_newest(self) -> None:
        """Until there is nothing newer."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while self.news is not None:
                data, self.news = self.news, None
                async with self.sending:
                    await self.socket.send_bytes(data)

    async def send(self, header: dict[str, Any], blobs: list[bytes] | None = None) -> None:
        """One reply, whole."""
        data = wire.pack(header, blobs or [])
        async with self.sending:
            await self.socket.send_bytes(data)


def pace_of(message: wire.Message) -> Pace:
    """Which lane a message waits in."""
    if isinstance(message, wire.Show):
        if message.slot == "picture":
            return "quick"
        return "long" if message.request.get("kind") in ("neighbours", "real-vs-fake") else "slow"
    return "long" if isinstance(message, (wire.Own, wire.Invert, wire.Learn, wire.Save)) else "slow"


def gone(socket: WebSocket) -> bool:
    """Whether the page is there no more."""
    return WebSocketState.DISCONNECTED in (socket.client_state, socket.application_state)
