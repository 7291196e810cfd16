"""One page of the playground: what each of its messages asks for, and the news of a run in training.

Only the newest request for the large picture is answered; the same holds for the wall of samples and for the view.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

from ganache.errors import ConfigError, GanacheError
from ganache.lab.experiments import EXPERIMENTS
from ganache.playground import answers, wire
from ganache.playground.channel import Channel, InThread, Pace
from ganache.playground.library import Library
from ganache.playground.limits import MAX_WAITING
from ganache.playground.ranking import Rankings


class Session(Channel):
    """A page of the playground."""

    def __init__(
        self,
        socket: WebSocket,
        library: Library,
        rankings: Rankings,
        threads: Mapping[Pace, InThread],
        all_waiting_bytes: Callable[[], int],
    ) -> None:
        super().__init__(socket, threads, all_waiting_bytes)
        self.library, self.rankings = library, rankings
        self.ranks: set[asyncio.Task[None]] = set()
        self.news: bytes | None = None
        self.news_task: asyncio.Task[None] | None = None

    def parse(self, text: str) -> wire.Message:
        return wire.parse(text)

    def pace_of(self, message: wire.Message) -> Pace:
        if isinstance(message, wire.Show):
            if message.slot == "picture":
                return "quick"
            kind = message.request.get("kind")
            experiment = EXPERIMENTS.get(kind) if isinstance(kind, str) else None
            return "long" if experiment is not None and experiment.takes_long else "slow"
        return "long" if isinstance(message, (wire.Own, wire.Invert, wire.Learn, wire.Save)) else "slow"

    async def answer(self, message: wire.Message, upload: bytes, in_thread: InThread) -> None:
        """Answer one message."""
        if isinstance(message, wire.Rank):
            if len(self.ranks) >= MAX_WAITING:
                raise ConfigError(f"{MAX_WAITING} rankings are being sent already: wait for one of them.")
            task = self.begin(self.rank(message))
            self.ranks.add(task)
            task.add_done_callback(self.ranks.discard)
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
            self.news_task = self.begin(self.send_newest())

    async def send_newest(self) -> None:
        """Send the newest state until there is nothing newer."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while self.news is not None:
                data, self.news = self.news, None
                async with self.sending:
                    await self.socket.send_bytes(data)
