"""What every page's server shares: its address, its files, its threads, and its end by Ctrl-C."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ganache.errors import ConfigError
from ganache.playground.connections import configuration
from ganache.playground.opening import open_browser
from ganache.playground.safety import AccessPolicy

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


def thread(name: str, cores: int) -> ThreadPoolExecutor:
    """Return a pool of one thread, in which PyTorch uses this many cores."""
    return ThreadPoolExecutor(1, name, initializer=torch.set_num_threads, initargs=(cores,))


def file_route(page: Mapping[str, bytes]) -> Callable[[Request], Response]:
    """Return the function that serves the files of a page. Only names in `page` exist; no path is opened."""

    def file(request: Request) -> Response:
        name = request.path_params.get("name", "index.html")
        if name not in page:
            return PlainTextResponse("There is no such page.\n", 404)
        return Response(page[name], media_type=MEDIA_TYPES[Path(name).suffix])

    return file


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 chooses a free one. Raises ConfigError if the address cannot be used."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        # Without IPPROTO_TCP, asyncio does not set TCP_NODELAY, and images wait for the page's acknowledgement.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()  # a browser that connects before the server runs waits
    except (OSError, OverflowError, UnicodeError) as error:
        raise ConfigError(
            f"The server cannot listen on {host}:{port} ({error}): give another --host or --port."
        ) from None
    return listening


def serve_application(
    build: Callable[[AccessPolicy], tuple[Starlette, Callable[[], bool]]],
    host: str,
    port: int,
    browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve an application until Ctrl-C; `say` gets its address. Raises ConfigError if that cannot be used.

    `build` returns the application and a function that says whether a page is connected.
    """
    listening = listen(host, port)
    access = AccessPolicy(host, listening.getsockname()[1])
    app, connected = build(access)
    server = uvicorn.Server(configuration(app))
    say(access.address)

    async def run() -> None:
        opening = asyncio.create_task(open_when_started()) if browser else None
        await server.serve(sockets=[listening])
        if opening is not None:
            opening.cancel()

    async def open_when_started() -> None:
        while not server.started:
            await asyncio.sleep(0.02)
        await open_browser(access.address, connected)

    with suppress(KeyboardInterrupt):  # the server has closed its connections and passes Ctrl-C on
        asyncio.run(run())
