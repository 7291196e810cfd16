"""The server: the page's files, one connection per page, and the threads that compute images."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

import torch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganache.errors import GanacheError
from ganache.playground import wire
from ganache.playground.channel import InThread, Pace
from ganache.playground.language import in_language
from ganache.playground.library import Library
from ganache.playground.limits import MAX_SESSIONS
from ganache.playground.live import RunMonitor, State
from ganache.playground.ranking import Rankings
from ganache.playground.safety import AccessControl, AccessPolicy
from ganache.playground.serving import MEDIA_TYPES, file_route, serve_application, thread
from ganache.playground.session import Session

log = logging.getLogger(__name__)

IDLE = 0.4
"""Seconds after the last image for a slider after which background work continues."""
MAX_WAIT = 1.0
"""Seconds after which it continues anyway, by one step: with many pages, some slider always moves."""
POLL_INTERVAL = 1.0
"""Seconds between two reads of the folder of a run in training."""
MAX_FAILURES = 20
"""Different errors of these reads that are logged."""

T = TypeVar("T")


class Playground:
    """The state that all connections of a server share."""

    def __init__(self, library: Library, live: bool = False) -> None:
        self.library, self.live = library, live
        self.born = secrets.token_hex(4)
        """Tells a page that the server was restarted."""
        cores = torch.get_num_threads()
        self.quick = thread(
            "slider", max(1, cores // 2)
        )  # more hardly help one small image, and the browser needs some
        self.slow = thread("request", cores)
        self.long = thread("long", cores)
        self.background = thread("background", 1)
        self.rankings = Rankings(library, self.in_background, self.wait_until_idle)
        self.sessions: set[Session] = set()
        self.greeted: set[Session] = set()
        """The sessions whose page has the first message, which news must not precede."""
        self.last_picture = 0.0
        self.news: bytes | None = None

    async def in_quick_thread(self, call: Callable[[], T]) -> T:
        """Call a function in the thread for the sliders' images."""
        self.last_picture = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self.quick, call)

    async def in_slow_thread(self, call: Callable[[], T]) -> T:
        """Call a function in the thread for requests."""
        return await asyncio.get_running_loop().run_in_executor(self.slow, call)

    async def in_long_thread(self, call: Callable[[], T]) -> T:
        """Call a function in the thread for tasks that take seconds."""
        return await asyncio.get_running_loop().run_in_executor(self.long, call)

    async def in_background(self, call: Callable[[], T]) -> T:
        """Call a function in the background thread, which uses one core."""
        return await asyncio.get_running_loop().run_in_executor(self.background, call)

    async def wait_until_idle(self) -> None:
        """Wait until no slider has moved for IDLE seconds, but at most MAX_WAIT seconds."""
        start = time.monotonic()
        while (now := time.monotonic()) - self.last_picture < IDLE and now - start < MAX_WAIT:
            await asyncio.sleep(IDLE / 4)

    def waiting_bytes(self) -> int:
        """Return the bytes of the pictures of all pages that wait or are being decoded."""
        return sum(session.waiting_bytes for session in self.sessions)

    async def connect(self, websocket: WebSocket) -> None:
        """Serve one page until it disconnects."""
        if len(self.sessions) >= MAX_SESSIONS:
            await websocket.accept()
            await websocket.close(1013, f"{MAX_SESSIONS} pages are open already: close one of them.")
            return
        await websocket.accept()
        threads: dict[Pace, InThread] = {
            "quick": self.in_quick_thread,
            "slow": self.in_slow_thread,
            "long": self.in_long_thread,
        }
        session = Session(websocket, self.library, self.rankings, threads, self.waiting_bytes)
        self.sessions.add(session)
        try:
            hello = await self.in_slow_thread(self.library.hello)
            with suppress(RuntimeError, WebSocketDisconnect):  # it disconnected during the first message
                await session.send({"hello": hello, "born": self.born, "live": self.live})
                self.greeted.add(session)
                if self.news:
                    session.send_news(self.news)
                await session.run()
        finally:
            self.sessions.discard(session)
            self.greeted.discard(session)

    async def watch(self) -> None:
        """Send every page the states of all runs whenever a folder changes, whatever lies in the folders."""
        monitors = [RunMonitor(folder) for folder in self.library.folders]
        states: list[State | None] = [None] * len(monitors)
        failures: set[str] = set()
        while True:
            changed = [await attempt(self.in_background, monitor.news, failures) for monitor in monitors]
            states = [new or old for new, old in zip(changed, states, strict=True)]
            hello = await attempt(self.in_slow_thread, self.library.hello, failures) if any(changed) else None
            if hello:
                self.news = wire.pack({"news": states, "hello": hello, "born": self.born, "live": True})
                for session in self.greeted:
                    session.send_news(self.news)
            await asyncio.sleep(POLL_INTERVAL)

    def close(self) -> None:
        """End the threads, without waiting for their current task."""
        for pool in (self.quick, self.slow, self.long, self.background):
            pool.shutdown(wait=False, cancel_futures=True)


def application(library: Library, access: AccessPolicy, live: bool = False, language: str = "en") -> Starlette:
    """Return the ASGI application; `live` sends pages the state of a run in training."""
    playground = Playground(library, live)
    file = file_route(in_language(read_page(), language))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(playground.watch()) if live else None
        try:
            yield
        finally:
            if watching is not None:
                watching.cancel()
            playground.close()

    routes = [
        Route("/", file),
        Route("/page/{name}", file),
        WebSocketRoute("/ws", playground.connect),
    ]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(AccessControl, access=access)])
    app.state.playground = playground
    return app


async def attempt(
    in_thread: InThread, call: Callable[[], dict[str, Any] | None], failures: set[str]
) -> dict[str, Any] | None:
    """Return what a function that reads run folders returns; None if it fails. An unexpected error is logged once."""
    try:
        found: dict[str, Any] | None = await in_thread(call)
        return found
    except (OSError, GanacheError):  # a file is being replaced, or cannot be read: the next look may succeed
        pass
    except Exception as error:  # a bug must not end the live page
        if repr(error) not in failures and len(failures) < MAX_FAILURES:
            failures.add(repr(error))
            log.error("The state of the run could not be read.", exc_info=error)
    return None


def read_page() -> dict[str, bytes]:
    """Return the page's files by name. It shares files with the exported page, and the charts with the report."""
    folder = files("ganache.playground") / "page"
    page = {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in MEDIA_TYPES}
    exported = files("ganache.output.export") / "browser"
    shared = [exported / name for name in ("slider.js", "more.js", "layers.js")]
    shared.append(files("ganache.output.report") / "chart.js")
    return page | {file.name: file.read_bytes() for file in shared}


def serve(
    library: Library,
    host: str,
    port: int,
    browser: bool,
    live: bool,
    say: Callable[[str], None],
    language: str = "en",
) -> None:
    """Serve the page until Ctrl-C; `say` gets the address. Raises ConfigError if it cannot be used."""

    def build(access: AccessPolicy) -> tuple[Starlette, Callable[[], bool]]:
        app = application(library, access, live, language)
        return app, lambda: bool(app.state.playground.sessions)

    serve_application(build, host, port, browser, say)
