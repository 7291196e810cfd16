"""Access control: only the page itself may use the server, and only with the token of the printed address.

A browser lets any page open a WebSocket to any address, and an attacker can point a domain name at 127.0.0.1 (DNS
rebinding). So the Host header must be an address of this server, and the Origin of a WebSocket must be the same host.

Other accounts of a machine reach 127.0.0.1 too, so every server requires a token. The token stays in the address, and
links inside the page keep it. A cookie would not do: browsers send the cookies of 127.0.0.1 to every port, so also to a
server of another account. Each start has a new token for a similar reason: a page that waits for its server sends its
token to whoever has taken the port since.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import secrets
from dataclasses import dataclass, field
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
HOST, HTTP = re.compile(r"(?P<name>\[[\da-fA-F:.]+\]|[^@:/\[\]]+)(:(?P<port>\d{1,5}))?"), 80
"""A Host header, and the port that browsers leave out of it."""
PROTECTED = ("/", "/ws")
"""Paths that need the token; the page's scripts and styles are those of the package, and public."""


@dataclass(frozen=True)
class AccessPolicy:
    """Decides which requests to one address are allowed."""

    host: str
    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def __post_init__(self) -> None:
        assert self.token

    @property
    def address(self) -> str:
        """The URL of the page, with the token."""
        host = "127.0.0.1" if is_any(self.host) else self.host
        bracketed = f"[{host}]" if ":" in host else host
        return f"http://{bracketed}:{self.port}/?token={self.token}"

    def refusal(self, scope: Scope) -> str:
        """Return the reason to refuse a request, one sentence; "" to allow it."""
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == "host"]
        if len(hosts) != 1 or not self.serves(hosts[0]):
            return "This page answers to its own address only: open the address that ganache printed."
        if scope["type"] == "websocket":
            origins = [value for name, value in headers if name == "origin"]
            if origins != [f"http://{hosts[0]}"]:
                return "Only the page itself may connect: open the address that ganache printed."
        elif scope["method"] not in ("GET", "HEAD"):
            return "Only GET and HEAD are allowed here: the page sends its messages over its WebSocket."
        if scope["path"] in PROTECTED:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if not hmac.compare_digest(given.encode(), self.token.encode()):
                return "The address lacks its token: open the whole address that ganache printed."
        return ""

    def serves(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        found = HOST.fullmatch(host)
        if not found or int(found["port"] or HTTP) != self.port:
            return False
        names = {canonical(self.host)} | ({"127.0.0.1", "localhost", "::1"} if is_loopback(self.host) else set())
        # Of all addresses of this machine any name is one; the token protects the page.
        return is_any(self.host) or canonical(found["name"].strip("[]")) in names


def canonical(host: str) -> str:
    """Return the form of a host's name or address that is equal for all ways to write it.

    >>> canonical("MyPC"), canonical("0:0:0::1")
    ('mypc', '::1')
    """
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower()


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_any(host: str) -> bool:
    """Return whether the host stands for all addresses of this machine."""
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False


class AccessControl:
    """ASGI middleware: refuses requests that the policy does not allow, and adds HEADERS to every response."""

    def __init__(self, app: ASGIApp, access: AccessPolicy) -> None:
        self.app, self.access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        reason = self.access.refusal(scope)
        if reason and scope["type"] == "websocket":
            await receive()
            return await send({"type": "websocket.close", "code": 1008, "reason": reason})
        app = PlainTextResponse(reason + "\n", 403) if reason else self.app
        await app(scope, receive, with_headers(send))


def with_headers(send: Send) -> Send:
    """Return `send` with HEADERS added to the start of a response."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*message["headers"], *own]}
        await send(message)

    return sending
