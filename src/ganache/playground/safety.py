"""Who may come in: the page's own address and nobody else's, with the token where others could reach it.

A browser lets any page open a WebSocket to any address, and a name that an attacker owns may be made to point at
127.0.0.1 (DNS rebinding). So the Host that is asked for must be one of ours, and a WebSocket's Origin must be that
host; what is bound to more than this machine also needs the token that stands in the printed address.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
GUARDED = ("/", "/ws")
"""What needs the token; the page's scripts and styles are nobody's secret."""


@dataclass(frozen=True)
class Door:
    """Which requests are let in, at one address."""

    host: str
    port: int
    token: str = ""

    @classmethod
    def at(cls, host: str, port: int) -> Door:
        """With a new token where the host is not this machine's own."""
        return cls(host, port, "" if is_loopback(host) else secrets.token_urlsafe(18))

    @property
    def address(self) -> str:
        """Of the page, for a person to open."""
        host = "127.0.0.1" if is_any(self.host) else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"http://{bracketed}:{self.port}/" + (f"?token={self.token}" if self.token else "")

    def refusal(self, scope: Scope) -> str:
        """Why a request is not let in, in a sentence; empty where it is."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or not self.knows(hosts[0]):
            return "This page answers to its own address only: open the one that ganache printed."
        if scope["type"] == "websocket":
            origins = [value for name, value in headers if name == "origin"]
            if origins != [f"http://{hosts[0]}"]:
                return "Only the page itself may ask: open the address that ganache printed."
        elif scope["method"] not in ("GET", "HEAD"):
            return "Nothing is sent here but over the page's own connection."
        if self.token and scope["path"] in GUARDED:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return "The address lacks its token: open the whole address that ganache printed."
        return ""

    def knows(self, host: str) -> bool:
        """Whether a Host header is one of our names."""
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            return False
        if is_loopback(self.host):
            return name in ("127.0.0.1", "localhost", "[::1]")
        if is_any(self.host):  # whatever this machine is called; the token guards it
            return True
        return name.strip("[]") == self.host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any(host: str) -> bool:
    """Whether it stands for all of the machine's addresses."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class Guard:
    """ASGI: turns away what the door does not let in, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        why = self.door.refusal(scope)
        if why and scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": why})
        app = PlainTextResponse(why + "\n", 403) if why else self.app
        await app(scope, receive, with_headers(send))


def with_headers(send: Send) -> Send:
    """`send`, with HEADERS on an answer's start."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return sending
