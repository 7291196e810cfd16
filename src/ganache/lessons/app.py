"""The server of the lessons: the page's files, and a stage for each page that is open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from ganache.lessons import stage
from ganache.lessons.lesson import Lesson
from ganache.lessons.page import described, page_files
from ganache.lessons.stage import Stage
from ganache.lessons.words import words
from ganache.playground import wire
from ganache.playground.channel import Channel, InThread, Pace
from ganache.playground.language import in_language
from ganache.playground.safety import AccessControl, AccessPolicy
from ganache.playground.serving import MEDIA_TYPES, file_route, serve_application, thread

MOST_PAGES = 4
"""Pages that are open at the same time: each keeps the states of its trainings."""


class LessonChannel(Channel):
    """A page of lessons."""

    def __init__(self, socket: WebSocket, lessons: Sequence[Lesson], in_thread: InThread) -> None:
        super().__init__(socket, {"quick": in_thread})
        self.stage = Stage(lessons)

    def parse(self, text: str) -> wire.Message:
        return wire.parse(text, stage.ASKS)

    def pace_of(self, message: wire.Message) -> Pace:
        return "quick"

    async def answer(self, message: wire.Message, upload: bytes, in_thread: InThread) -> None:
        header, blobs = await in_thread(lambda: self.stage.answer(message))
        await self.send({"id": message.id, **header}, blobs)


class School:
    """The state that all connections of a server share."""

    def __init__(self, lessons: Sequence[Lesson], language: str) -> None:
        self.lessons = lessons
        self.hello: dict[str, Any] = {
            "lessons": [described(lesson) for lesson in lessons],
            "language": language,
            "words": words(language),
        }
        self.pool = thread("lessons", 1)
        self.pages: set[LessonChannel] = set()

    async def in_thread(self, call: Callable[[], Any]) -> Any:
        """Call a function in the thread that trains."""
        return await asyncio.get_running_loop().run_in_executor(self.pool, call)

    async def connect(self, websocket: WebSocket) -> None:
        """Serve one page until it disconnects."""
        await websocket.accept()
        if len(self.pages) >= MOST_PAGES:
            await websocket.close(1013, f"{MOST_PAGES} pages are open already: close one of them.")
            return
        page = LessonChannel(websocket, self.lessons, self.in_thread)
        self.pages.add(page)
        try:
            await page.send({"hello": self.hello})
            await page.run()
        except (RuntimeError, WebSocketDisconnect):  # it disconnected during the first message
            pass
        finally:
            self.pages.discard(page)


def application(lessons: Sequence[Lesson], access: AccessPolicy, language: str = "en") -> Starlette:
    """Return the ASGI application."""
    school = School(lessons, language)
    page = {name: text for name, text in page_files().items() if Path(name).suffix in MEDIA_TYPES}
    file = file_route(in_language(page, language))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        school.pool.shutdown(wait=False, cancel_futures=True)

    routes = [Route("/", file), Route("/page/{name}", file), WebSocketRoute("/ws", school.connect)]
    app = Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(AccessControl, access=access)])
    app.state.school = school
    return app


def serve(
    lessons: Sequence[Lesson], language: str, host: str, port: int, browser: bool, say: Callable[[str], None]
) -> None:
    """Serve the lessons until Ctrl-C; `say` gets the address. Raises ConfigError if it cannot be used."""

    def build(access: AccessPolicy) -> tuple[Starlette, Callable[[], bool]]:
        app = application(lessons, access, language)
        return app, lambda: bool(app.state.school.pages)

    serve_application(build, host, port, browser, say)
