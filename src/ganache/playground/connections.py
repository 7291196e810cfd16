"""Limits of connections, before anything of a request is believed: their number, their time, and their memory.

Everybody who reaches the port can open connections, with the token or without it. uvicorn gives a request no time
limit, counts no fragments of a message, answers every ping, and logs a traceback for some mistakes of others.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ganache.playground import wire
from ganache.playground.limits import MAX_SESSIONS, RateLimit

MAX_CONNECTIONS = 8 * MAX_SESSIONS
"""Connections at the same time; a browser opens six at once for one page."""
MAX_FILES_SHARE = 0.25
"""The part of the files that this process may have open which connections may use."""
BACKLOG = 16
"""Connections that wait to be accepted; asyncio accepts so many before one that is too much can be closed."""
HTTP_SECONDS = 20.0
"""Seconds after which a connection that has not become a WebSocket is closed; the page's files are 100 KB in all."""
MAX_REQUEST = 16 * 1024
"""Bytes of a request before its body."""
MAX_FRAGMENTS = 1_000
"""Fragments of one message; browsers send hardly any."""
MAX_ARRIVING = 4 * wire.LARGEST_UPLOAD
"""Bytes of all messages together that are arriving, or that the application has not taken yet."""
LOG_LINES = 20
"""Messages in the log at once, and then one in ten seconds."""


class Web(H11Protocol):  # type: ignore[misc]
    """An HTTP connection that ends after HTTP_SECONDS, or earlier if there are too many."""

    deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the time of the connection. If there are too many, close the oldest that is not a WebSocket."""
        super().connection_made(transport)
        self.deadline = self.loop.call_later(HTTP_SECONDS, transport.abort)
        if len(self.connections) > most_connections():
            web = ((each.deadline.when(), each) for each in self.connections if isinstance(each, Web) and each.deadline)
            _, oldest = min(web, key=lambda pair: pair[0])
            oldest.stop_deadline()
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self.stop_deadline()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """Stop the time of a connection that becomes a WebSocket."""
        self.stop_deadline()
        super().handle_websocket_upgrade(event)

    def stop_deadline(self) -> None:
        """Stop the time of the connection."""
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None


class Socket(WebSocketsSansIOProtocol):  # type: ignore[misc]
    """A WebSocket whose messages, while they arrive, share MAX_ARRIVING bytes with all others."""

    arrived = 0
    """Bytes since the application took the last message."""

    def data_received(self, data: bytes) -> None:
        """Receive a part of a message. Close the connection if it, or all together, have sent too much."""
        self.arrived += len(data)
        super().data_received(data)
        if not self.handshake_initiated:  # the request is whole, and websockets does not take it
            self.transport.abort()
            return
        arriving = sum(each.arrived for each in self.connections if isinstance(each, Socket))
        if len(self.frames) > MAX_FRAGMENTS:
            self.refuse(1009, "The message came in too many parts.")
        elif arriving > MAX_ARRIVING:
            self.refuse(1013, "Other pictures are arriving: drop this one again in a moment.")

    async def receive(self) -> Any:
        """Return the next message to the application."""
        message = await super().receive()
        self.arrived = 0
        return message

    def handle_ping(self) -> None:
        """Answer a ping, but not one of a page that does not read: its answers would fill the memory."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def refuse(self, code: int, reason: str) -> None:
        """Close the connection and drop what has arrived."""
        self.arrived, self.frames = 0, []
        self.conn.fail(code, reason)
        if self.conn.close_sent is None:  # the handshake is not complete
            self.transport.abort()
        elif not self.transport.is_closing():
            self.handle_parser_exception()


def most_connections() -> int:
    """Return MAX_CONNECTIONS, or less if this process may not open so many files."""
    try:
        import resource
    except ImportError:  # Windows
        return MAX_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_CONNECTIONS if files < 0 else min(MAX_CONNECTIONS, int(MAX_FILES_SHARE * files))


def configuration(app: ASGIApp) -> uvicorn.Config:
    """Return the settings of a server with these limits."""
    config = uvicorn.Config(
        app,
        log_level="error",
        access_log=False,
        server_header=False,
        http=Web,
        ws=Socket,
        ws_max_size=wire.LARGEST_UPLOAD + 1024,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=MAX_REQUEST,
        backlog=BACKLOG,
        timeout_graceful_shutdown=1,
    )
    for name in ("asyncio", "uvicorn.error", "ganache.playground.channel"):
        logging.getLogger(name).addFilter(LimitedLog())
    return config


class LimitedLog(logging.Filter):
    """Lets LOG_LINES messages pass at once, and then one in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.rate = RateLimit(per_second=0.1, burst=LOG_LINES)

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a message is written."""
        return self.rate.allows()
