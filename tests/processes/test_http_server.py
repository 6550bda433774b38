import asyncio
import json
import logging
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from minibento.config.settings import Tls
from tests.processes.doors import Caller, Opened, get, on_loop, opened, post, until


def test_it_counts_connections_and_requests() -> None:
    async def test() -> None:
        async with opened() as door:
            first, second = await door.call(), await door.call()
            for caller in (first, first, second):
                assert (await caller.ask()).status == 200
            assert (door.server.connections, door.server.requests) == (2, 3)
            first.leave()
            await until(lambda: door.server.connections == 1)

    on_loop(test)


def test_answers_are_dated() -> None:
    async def test() -> None:
        async with opened() as door:
            found = await (await door.call()).ask()
            assert parsedate_to_datetime(found.headers["date"]).tzinfo is not None
            assert "server" not in found.headers

    on_loop(test)


def test_who_retires_answers_what_is_under_way_over_an_idle_connection_and_closes_it() -> None:
    async def test() -> None:
        async with opened() as door:
            idle, unused = await door.call(), await door.call()
            assert not (await idle.ask()).closes
            retiring = asyncio.ensure_future(door.server.retire(60))
            await asyncio.sleep(0)
            found = await idle.ask()
            assert (found.status, found.closes) == (200, True)
            assert await idle.ends()
            assert not retiring.done()
            assert (await unused.ask()).closes
            assert await unused.ends()
            await retiring
            assert door.server.connections == 0

    on_loop(test)


def test_who_retires_says_close_in_an_answer_that_has_not_begun() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold"))
            await door.app.entered.wait()
            retiring = asyncio.ensure_future(door.server.retire(60))
            await asyncio.sleep(0)
            door.app.release.set()
            found = await caller.answer()
            assert (found.body, found.closes) == (b"held", True)
            assert await caller.ends()
            await retiring

    on_loop(test)


def test_an_answer_that_has_begun_before_keeps_its_connection_for_one_more() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/half"))
            await door.app.entered.wait()
            retiring = asyncio.ensure_future(door.server.retire(60))
            await asyncio.sleep(0)
            door.app.release.set()
            assert not (await caller.answer()).closes
            assert (await caller.ask()).closes
            assert await caller.ends()
            await retiring

    on_loop(test)


def test_who_retires_closes_idle_connections_after_a_while_and_waits_for_the_others() -> None:
    async def test() -> None:
        async with opened() as door:
            idle, half, busy = [await door.call() for _ in range(3)]
            await idle.ask()
            half.send(get("/half"))
            busy.send(get("/hold"))
            await until(lambda: {"/half", "/hold"} <= set(door.app.paths))
            retiring = asyncio.ensure_future(door.server.retire(0.05))
            assert await idle.ends()
            assert not retiring.done()
            door.app.release.set()
            assert (await busy.answer()).body == b"held"
            assert (await half.answer()).body == b"halfof it"
            assert await busy.ends()
            assert await half.ends()
            await retiring

    on_loop(test)


def test_who_retires_waits_for_work_whose_caller_has_left() -> None:
    async def test() -> None:
        async with opened() as door:
            caller = await door.call()
            caller.send(get("/hold"))
            await door.app.entered.wait()
            caller.leave()
            retiring = asyncio.ensure_future(door.server.retire(0))
            await until(lambda: not door.server.connections)
            assert not retiring.done()
            door.app.release.set()
            await retiring

    on_loop(test)


def test_who_retires_accepts_no_more_and_leaves_the_socket_to_others() -> None:
    async def test() -> None:
        async with opened() as door:
            await door.server.retire(0)
            # It waits in the queue of the socket, which this process does not serve any more.
            caller = await door.call()
            answered = asyncio.ensure_future(caller.ask())
            await asyncio.sleep(0)
            async with opened(listening=door.listening) as successor:
                assert (await answered).status == 200
                assert successor.server.requests == 1

    on_loop(test)


def test_no_request_is_lost_while_servers_take_turns_on_one_socket() -> None:
    async def asks(door: Opened, over: asyncio.Event) -> int:
        caller, asked = await door.call(), 0
        while not over.is_set():
            found = await caller.ask()
            assert found.status == 200
            asked += 1
            if found.closes:
                assert await caller.ends()
                caller = await door.call()
        return asked

    async def has_answered(door: Opened, count: int) -> None:
        await until(lambda: door.server.requests >= count)

    async def test() -> None:
        async with opened() as door, AsyncExitStack() as servers:
            over = asyncio.Event()
            asking = [asyncio.ensure_future(asks(door, over)) for _ in range(20)]
            serving = door
            for _ in range(20):
                following = await servers.enter_async_context(opened(listening=door.listening))
                await has_answered(serving, 40)
                await serving.server.retire(5)
                assert serving.server.connections == 0
                serving = following
            over.set()
            assert sum(await asyncio.gather(*asking)) >= 800

    on_loop(test)


def test_who_stops_accepts_first_all_who_wait() -> None:
    async def test() -> None:
        async with opened() as door:
            waiting = [socket.create_connection(door.listening.getsockname()) for _ in range(50)]
            for one in waiting:
                one.sendall(get("/"))
            # The loop has not turned since: none of them has been accepted.
            assert door.server.connections == 0
            await door.server.stop(grace=4)
            assert door.server.requests == 50
            for one in waiting:
                assert one.recv(1000).startswith(b"HTTP/1.1 200")
                one.close()

    on_loop(test)


def test_what_is_not_answered_at_the_end_of_the_grace_is_503() -> None:
    async def test() -> None:
        async with opened() as door:
            busy, half = await door.call(), await door.call()
            half.send(get("/half"))
            busy.send(get("/hold"))
            await until(lambda: {"/half", "/hold"} <= set(door.app.paths))
            await asyncio.gather(door.server.stop(grace=0.05, linger=0), busy_is_refused(busy))
            assert (await half.rest()).endswith(b"\r\n\r\nhalf")
            assert door.server.connections == 0

    async def busy_is_refused(busy: Caller) -> None:
        found = await busy.answer()
        assert (found.status, found.closes, found.headers["retry-after"]) == (503, True, "1")
        assert json.loads(found.body)["request_id"]
        assert await busy.ends()

    on_loop(test)


def test_without_any_grace_it_says_all_the_same_that_it_is_closed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who waits for that, as an API worker does, would else have to be killed."""

    async def test() -> None:
        async with opened() as door:
            await door.server.stop(grace=0.0)
            assert door.server.closed.is_set()

    on_loop(test)
    assert caplog.records == []


@pytest.mark.parametrize("in_haste", [False, True])
def test_an_app_that_does_not_end_does_not_keep_the_server(*, in_haste: bool) -> None:
    async def stubborn(_scope: object, _receive: object, _send: object) -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if enough.is_set():
                    raise

    enough = asyncio.Event()

    async def test() -> None:
        async with opened(stubborn) as door:
            caller = await door.call()
            caller.send(get("/"))
            await until(lambda: door.server._state.tasks)
            stopping = asyncio.ensure_future(door.server.stop(60 if in_haste else 0.01, linger=0))
            if in_haste:
                await asyncio.sleep(0)
                door.server.haste()
            await caller.rest()
            await stopping
            enough.set()

    on_loop(test)


def test_in_haste_everything_is_cut_off_and_the_stop_under_way_returns(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def test() -> None:
        async with opened() as door:
            idle, busy = await door.call(), await door.call()
            await idle.ask()
            busy.send(get("/hold"))
            await until(lambda: "/hold" in door.app.paths)
            stopping = asyncio.ensure_future(door.server.stop(grace=60, linger=60))
            await asyncio.sleep(0)
            door.server.haste()
            await stopping
            assert await busy.rest() == b""
            assert await idle.ends()

    with caplog.at_level(logging.DEBUG):
        on_loop(test)
    assert caplog.records == []


def test_an_app_that_fails_is_told_of_in_our_log(caplog: pytest.LogCaptureFixture) -> None:
    async def fails(_scope: object, _receive: object, _send: object) -> None:
        raise ZeroDivisionError

    async def test() -> None:
        async with opened(fails) as door:
            assert (await (await door.call()).ask()).status == 500

    logger = logging.getLogger("minibento")
    with propagating(logger), caplog.at_level(logging.DEBUG):
        on_loop(test)
    assert [(one.name, one.levelname) for one in caplog.records] == [("minibento.http", "ERROR")]


@contextmanager
def propagating(logger: logging.Logger) -> Iterator[None]:
    before, logger.propagate = logger.propagate, True
    yield
    logger.propagate = before


def test_a_path_below_a_root_path_is_what_the_proxy_left_of_it() -> None:
    async def test() -> None:
        async with opened(root_path="/scoring/") as door:
            await (await door.call()).ask("/classify")
            scope = door.app.scopes[0]
            assert (scope["root_path"], scope["path"]) == ("/scoring", "/scoring/classify")

    on_loop(test)


FORWARDED = ("X-Forwarded-For: 203.0.113.7", "X-Forwarded-Proto: https")


@pytest.mark.parametrize(
    ("trusted", "client", "scheme"),
    [
        ("127.0.0.1", "203.0.113.7", "https"),
        ("10.0.0.0/8, 127.0.0.0/8", "203.0.113.7", "https"),
        ("*", "203.0.113.7", "https"),
        ("10.0.0.1", "127.0.0.1", "http"),
        ("", "127.0.0.1", "http"),
    ],
)
def test_what_a_proxy_says_of_the_caller_is_believed_of_trusted_ones(
    trusted: str, client: str, scheme: str
) -> None:
    async def test() -> None:
        async with opened(forwarded_allow_ips=trusted) as door:
            caller = await door.call()
            caller.send(get("/", *FORWARDED) + get("/"))
            await caller.answer()
            await caller.answer()
            assert [one["client"][0] for one in door.app.scopes] == [client, "127.0.0.1"]
            assert [one["scheme"] for one in door.app.scopes] == [scheme, "http"]

    on_loop(test)


def test_an_address_in_use_is_an_error_of_the_system() -> None:
    async def test() -> None:
        async with opened() as door:
            # Two may bind it, one may listen.
            first, second = socket.socket(), socket.socket()
            with first, second:
                for one in (first, second):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                first.bind(("127.0.0.1", 0))
                second.bind(first.getsockname())
                first.listen()
                with pytest.raises(OSError, match="in use"):
                    await door.server.start([second])

    on_loop(test)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")
def test_it_speaks_tls_if_it_has_a_certificate(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-nodes", "-days", "2", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*command, *names, *files], check=True, capture_output=True)

    async def test() -> None:
        async with opened(tls=Tls(str(certificate), str(key)), body_bytes=1000) as door:
            context = ssl.create_default_context(cafile=certificate)
            caller = await door.call(ssl=context)
            assert (await caller.ask()).status == 200
            assert door.app.scopes[0]["scheme"] == "https"
            caller.send(post("/", b"x" * 5000))
            assert (await caller.answer()).status == 413
            assert await caller.ends()

    on_loop(test)
