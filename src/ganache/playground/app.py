"""The server: the page's files, one connection a page, and the threads that make pictures."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
import time
import webbrowser
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganache.errors import ConfigError, GanacheError
from ganache.playground import wire
from ganache.playground.library import Library
from ganache.playground.limits import MOST_SESSIONS
from ganache.playground.live import Live
from ganache.playground.ranking import Rankings
from ganache.playground.safety import Door, Guard
from ganache.playground.session import InThread, Pace, Session

log = logging.getLogger(__name__)

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
CALM = 0.4
"""Seconds without a slider's picture after which work in the background goes on."""
PATIENCE = 1.0
"""Seconds after which it goes on all the same, by one step: where several pages are open, somebody always moves."""
EVERY = 1.0
"""Seconds between two looks at the folder of a run in training."""

T = TypeVar("T")


class Playground:
    """What all connections of a server share."""

    def __init__(self, library: Library, live: bool = False) -> None:
        self.library, self.live = library, live
        self.born = secrets.token_hex(4)
        """By this a page knows that it has met another server than before."""
        cores = torch.get_num_threads()
        self.quick = thread("slider", max(1, cores // 2))  # one small picture gains little by more; the page needs some
        self.slow = thread("request", cores)
        self.long = thread("long", cores)
        self.background = thread("background", 1)
        self.rankings = Rankings(library, self.in_background, self.calm)
        self.sessions: set[Session] = set()
        self.last_picture = 0.0
        self.news: bytes | None = None

    async def quickly(self, call: Callable[[], T]) -> T:
        """In the thread of the sliders' pictures."""
        self.last_picture = time.monotonic()
        return await asyncio.get_running_loop().run_in_executor(self.quick, call)

    async def slowly(self, call: Callable[[], T]) -> T:
        """In the thread of what takes a moment."""
        return await asyncio.get_running_loop().run_in_executor(self.slow, call)

    async def at_length(self, call: Callable[[], T]) -> T:
        """In the thread of what takes seconds."""
        return await asyncio.get_running_loop().run_in_executor(self.long, call)

    async def in_background(self, call: Callable[[], T]) -> T:
        """In a thread that takes one core and waits for nobody."""
        return await asyncio.get_running_loop().run_in_executor(self.background, call)

    async def calm(self) -> None:
        """Wait until no slider is moved, but not for ever."""
        begun = time.monotonic()
        while (now := time.monotonic()) - self.last_picture < CALM and now - begun < PATIENCE:
            await asyncio.sleep(CALM / 4)

    async def connect(self, websocket: WebSocket) -> None:
        """One page, from its coming to its going."""
        if len(self.sessions) >= MOST_SESSIONS:
            await websocket.accept()
            await websocket.close(1013, f"{MOST_SESSIONS} pages are open already: close one of them.")
            return
        await websocket.accept()
        threads: dict[Pace, InThread] = {"quick": self.quickly, "slow": self.slowly, "long": self.at_length}
        session = Session(websocket, self.library, self.rankings, threads)
        self.sessions.add(session)
        try:
            hello = await self.slowly(self.library.hello)
            await session.send({"hello": hello, "born": self.born, "live": self.live})
            if self.news:
                session.tell(self.news)
            await session.run()
        except (RuntimeError, WebSocketDisconnect):  # it went while it was being told
            pass
        finally:
            self.sessions.discard(session)

    async def watch(self) -> None:
        """Tell every page what is new in the first run's folder."""
        live = Live(self.library.folders[0])
        while True:
            with suppress(OSError, GanacheError):
                news = await self.in_background(live.news)
                if news is not None:
                    told, blobs = news
                    hello = await self.slowly(self.library.hello)
                    self.news = wire.pack({"news": told, "hello": hello, "born": self.born, "live": True}, blobs)
                    for session in self.sessions:
                        session.tell(self.news)
            await asyncio.sleep(EVERY)

    def close(self) -> None:
        """End the threads; what they still do is not waited for."""
        for pool in (self.quick, self.slow, self.long, self.background):
            pool.shutdown(wait=False, cancel_futures=True)


def application(library: Library, door: Door, live: bool = False) -> Starlette:
    """The ASGI application."""
    playground = Playground(library, live)
    page = read_page()

    def file(request: Request) -> Response:
        """One of the page's own files: a name that is not among them is not looked for anywhere."""
        name = request.path_params.get("name", "index.html")
        if name not in page:
            return PlainTextResponse("There is no such page.\n", 404)
        return Response(page[name], media_type=KINDS[Path(name).suffix])

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
    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(Guard, door=door)])
    app.state.playground = playground
    return app


def thread(name: str, cores: int) -> ThreadPoolExecutor:
    """A thread whose arithmetic takes so many cores."""
    return ThreadPoolExecutor(1, name, initializer=torch.set_num_threads, initargs=(cores,))


def read_page() -> dict[str, bytes]:
    """Return the page's files by name. The exported page has the same sliders, so their file lies there."""
    folder = files("ganache.playground") / "page"
    page = {file.name: file.read_bytes() for file in folder.iterdir() if Path(file.name).suffix in KINDS}
    return page | {"slider.js": (files("ganache.output.export") / "browser" / "slider.js").read_bytes()}


def bound(host: str, port: int) -> socket.socket:
    """A socket at the address, on a free port for 0. Raises ConfigError where that cannot be had."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Its protocol is named, or asyncio leaves Nagle's algorithm on, and pictures wait for the page's next word.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()  # whoever comes before the server answers waits for it
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(f"{host}:{port} cannot be listened at ({error}): give another --host or --port.") from None
    return listening


def serve(library: Library, host: str, port: int, browser: bool, live: bool, say: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; `say` is told the address."""
    listening = bound(host, port)
    door = Door.at(host, listening.getsockname()[1])
    config = uvicorn.Config(
        application(library, door, live),
        log_level="error",
        access_log=False,
        server_header=False,
        ws="websockets-sansio",
        ws_max_size=wire.LARGEST_UPLOAD + 1024,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    say(door.address)

    async def run() -> None:
        opening = asyncio.create_task(opened(server, door.address)) if browser else None
        await server.serve(sockets=[listening])
        if opening is not None:
            opening.cancel()

    asyncio.run(run())


async def opened(server: uvicorn.Server, address: str) -> None:
    """Open the page in a browser, where there is one, when the server answers."""
    while not server.started:
        await asyncio.sleep(0.02)
    await asyncio.get_running_loop().run_in_executor(None, webbrowser.open, address)
