"""Who may come in: the page itself, and neither another site nor another name for this machine."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from ganache.cli import main
from ganache.playground import AccessPolicy, channel, session
from ganache.playground.limits import MAX_SESSIONS, RateLimit
from ganache.playground.serving import listen
from playground_client import ADDRESS, ORIGIN, PAGE, PICTURE, SOCKET, ask, client, received, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "faces")


@pytest.fixture(scope="module")
def browser(run: Path) -> TestClient:
    return client(run)


def refused(browser: TestClient, headers: dict[str, str], address: str = SOCKET) -> str:
    """The reason for which a WebSocket is not let in."""
    with pytest.raises(WebSocketDisconnect) as refusal, browser.websocket_connect(address, headers=headers):
        pass
    assert refusal.value.code == 1008
    return refusal.value.reason


def test_the_page_and_its_parts_are_there_under_a_strict_policy(browser: TestClient) -> None:
    page = browser.get(PAGE)
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert " style=" not in page.text
    assert " onclick=" not in page.text
    for answer in (page, browser.get("/page/main.js"), browser.get("/page/nothing.js"), browser.post("/")):
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8123", "127.0.0.1:9", "127.0.0.1", "[::1]:9", ""])
def test_a_name_that_was_made_to_point_here_is_refused(browser: TestClient, host: str) -> None:
    answer = browser.get("/", headers={"host": host})
    assert answer.status_code == 403
    assert "open the address that ganache printed" in answer.text
    assert "own address" in refused(browser, {"host": host, "origin": f"http://{host}"})


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "https://127.0.0.1:8123", "null", "http://127.0.0.1:9", None]
)
def test_another_sites_websocket_is_refused(browser: TestClient, origin: str | None) -> None:
    assert "Only the page itself" in refused(browser, {} if origin is None else {"origin": origin})


def test_a_form_of_another_site_is_refused(browser: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = browser.request(method, "/", headers={"origin": "http://evil.example"})
        assert answer.status_code == 403, method


@pytest.mark.parametrize(
    "path",
    ["/page/../app.py", "/page/..%2fapp.py", "/page/%2e%2e/%2e%2e/cli/lab.py", "/page//etc/passwd", "/names.json"],
)
def test_no_path_reaches_the_disk(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.2", "localhost", "::1", "0:0::1", "0.0.0.0", "192.168.3.4", "MyPC"]
)
@pytest.mark.parametrize("port", [8123, 80])
def test_the_address_that_is_printed_is_served_as_a_browser_sends_it(host: str, port: int) -> None:
    access = AccessPolicy(host, port)
    sent = urlsplit(access.address).netloc.lower().removesuffix(":80")
    assert access.serves(sent)
    assert not access.serves(sent.removesuffix(f":{port}") + ":81")
    assert not access.serves(f"evil.example@{sent}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "0.0.0.0", "192.168.3.4"])
def test_every_address_needs_a_token_and_each_start_has_its_own(host: str) -> None:
    access = AccessPolicy(host, 8123)
    assert len(access.token) > 30
    assert access.token != AccessPolicy(host, 8123).token
    assert access.address.endswith(f":8123/?token={access.token}")
    assert access.token not in repr(access), "no log or traceback shows it"
    with pytest.raises(AssertionError):
        AccessPolicy(host, 8123, "")


def test_nothing_is_told_without_the_token(run: Path) -> None:
    access = AccessPolicy("0.0.0.0", 8123)
    browser = client(run, access=access)
    for words in (
        "",
        "?token=",
        "?token=wrong",
        "?token=%ff",
        f"?TOKEN={access.token}",
        "?token=x&token=" + access.token,
    ):
        answer = browser.get(f"/{words}")
        assert answer.status_code == 403
        assert "lacks its token" in answer.text
        assert "lacks its token" in refused(browser, ORIGIN, f"ws://{ADDRESS}/ws{words}")
    assert browser.get(f"/?token={access.token}").status_code == 200
    with browser, browser.websocket_connect(f"ws://{ADDRESS}/ws?token={access.token}", headers=ORIGIN) as page:
        assert "hello" in received(page)[0]
    with_token = f"ws://{ADDRESS}/ws?token={access.token}"
    assert "Only the page itself" in refused(browser, {"origin": "http://evil.example"}, with_token)


def test_the_page_that_is_one_too_many_is_told_so(run: Path) -> None:
    browser = client(run)
    with browser:
        browser.app.state.playground.sessions |= set(range(MAX_SESSIONS))  # type: ignore[attr-defined]
        with browser.websocket_connect(SOCKET, headers=ORIGIN) as page, pytest.raises(WebSocketDisconnect) as end:
            received(page)
        assert "close one of them" in end.value.reason


def test_a_page_that_asks_too_fast_is_answered_so_and_others_are_not_held_up(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "RateLimit", lambda: RateLimit(0, 3))
    monkeypatch.setattr(channel, "FLOOD", 5)
    with client(run) as browser, browser.websocket_connect(SOCKET, headers=ORIGIN) as fast:
        assert "hello" in received(fast)[0]
        said = [ask(fast, "nothing", id=number)[0]["error"] for number in range(9)]
        assert ["Too many requests" in each for each in said] == [False] * 3 + [True] * 6
        with pytest.raises(WebSocketDisconnect) as end:
            received(fast)
        assert "Too many messages" in end.value.reason
        with browser.websocket_connect(SOCKET, headers=ORIGIN) as other:
            header, _ = ask(other, "show", slot="picture", request=PICTURE, models=[{}])
            assert "shown" in header


def test_the_rate_is_so_many_a_second_after_so_many_at_once() -> None:
    rate = RateLimit(per_second=10, burst=5)
    now = rate.last
    assert sum(rate.allows(lambda: now) for _ in range(20)) == 5
    assert sum(rate.allows(lambda: now + 0.31) for _ in range(20)) == 3
    assert sum(rate.allows(lambda: now + 100) for _ in range(20)) == 5


class Gone:
    """A page's connection when the page has left."""

    async def accept(self) -> None: ...

    async def send_bytes(self, data: bytes) -> None:
        raise WebSocketDisconnect(1006)


class Slow:
    """A page's connection that takes its time; what came through is written down."""

    def __init__(self) -> None:
        self.came: list[bytes] = []
        self.reads = asyncio.Event()

    async def send_bytes(self, data: bytes) -> None:
        await self.reads.wait()
        self.came.append(data)


def test_a_page_that_leaves_before_its_first_word_ends_nothing(browser: TestClient) -> None:
    playground = browser.app.state.playground  # type: ignore[attr-defined]
    asyncio.run(playground.connect(Gone()))
    assert playground.sessions == set()


def test_nobody_waits_for_a_page_that_does_not_read_and_it_gets_the_newest() -> None:
    async def told() -> list[bytes]:
        slow = Slow()
        slow_one = session.Session(slow, None, None, {}, int)  # type: ignore[arg-type]
        for number in (b"1", b"2", b"3"):
            slow_one.send_news(number)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        slow.reads.set()
        await slow_one.news_task  # type: ignore[misc]
        gone = session.Session(Gone(), None, None, {}, int)  # type: ignore[arg-type]
        gone.send_news(b"1")
        await gone.news_task  # type: ignore[misc]
        return slow.came

    assert asyncio.run(told()) == [b"1", b"3"]


def test_pictures_do_not_wait_for_the_pages_acknowledgement() -> None:
    async def at_once() -> int:
        asked: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            asked.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(come, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            writer.close()
            return await asyncio.wait_for(asked, 20)

    assert asyncio.run(at_once())


def test_an_address_that_cannot_be_had(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["explore", str(run), "--host", "192.0.2.1", "--no-browser"])
    assert end.value.code == 2
    assert "give another --host or --port" in capsys.readouterr().err
