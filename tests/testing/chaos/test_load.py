"""Requests that do not wait for each other, and what becomes of each."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest

from minibento.testing.chaos.connection import encode
from minibento.testing.chaos.load import Load, Outcome, Request, Verdict, arrivals

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LIMIT = 20


def answer(status: int, body: bytes = b"42", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def asked(reader: asyncio.StreamReader) -> bool:
    """Read one request; False: the caller has gone."""
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().split(b"content-length:")[1].split()[0]))
        return True
    return False


def run(serve: Serve, *requests: Request, at_once: bool = False) -> list[Outcome]:
    async def main() -> list[Outcome]:
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.CancelledError):
                await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        load = Load("127.0.0.1", server.sockets[0].getsockname()[1])
        try:
            if at_once:
                now = time.monotonic()
                return await load.offer((now, one) for one in requests)
            return [await load.send(one) for one in requests]
        finally:
            load.close()
            server.close()

    return asyncio.run(asyncio.wait_for(main(), LIMIT))


def says(data: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await asked(reader):
            writer.write(data)

    return serve


REQUEST = Request(encode("/double", b"21"), b"42", patience=5)


@pytest.mark.parametrize(
    ("data", "verdict"),
    [
        (answer(200), Verdict.ANSWERED),
        (answer(200, b"43"), Verdict.WRONG),
        (answer(422), Verdict.WRONG),
        (answer(500), Verdict.FAILED),
        (answer(502), Verdict.FAILED),
        (answer(503), Verdict.REFUSED),
        (answer(504), Verdict.REFUSED),
        (answer(429), Verdict.REFUSED),
        (answer(200)[:-1] + b"", Verdict.LATE),
        (b"nonsense\r\n\r\n", Verdict.RESET),
    ],
)
def test_an_answer_is_judged(data: bytes, verdict: Verdict) -> None:
    (outcome,) = run(says(data), Request(REQUEST.data, b"42", patience=0.3))
    assert outcome.verdict is verdict


def test_without_a_right_answer_every_one_of_2xx_is_right() -> None:
    (outcome,) = run(says(answer(201, b"7")), Request(REQUEST.data, patience=5))
    assert (outcome.verdict, outcome.status, outcome.body) == (Verdict.ANSWERED, 201, b"7")


def test_a_connection_that_breaks_is_told_apart_from_one_that_is_not_made() -> None:
    async def breaks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asked(reader)
        writer.write(answer(200)[:-1])
        writer.transport.abort()

    (outcome,) = run(breaks, REQUEST)
    assert outcome.verdict is Verdict.RESET

    async def refused() -> Outcome:
        return await Load("127.0.0.1", 1).send(REQUEST)

    assert asyncio.run(refused()).verdict is Verdict.UNREACHABLE


def test_who_means_to_leave_is_not_let_down() -> None:
    silent = says(b"")
    for leaves, verdict in ((True, Verdict.LEFT), (False, Verdict.LATE)):
        (outcome,) = run(silent, Request(REQUEST.data, patience=0.05, leaves=leaves))
        assert outcome.verdict is verdict
        assert verdict.is_lost is not leaves


def test_a_request_does_not_wait_for_those_before() -> None:
    waiting = 0
    all_there = asyncio.Event()

    async def together(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        await asked(reader)
        waiting += 1
        if waiting == 20:
            all_there.set()
        await all_there.wait()
        writer.write(answer(200))

    outcomes = run(together, *[REQUEST] * 20, at_once=True)
    assert {one.verdict for one in outcomes} == {Verdict.ANSWERED}


def test_a_connection_is_used_again_unless_the_server_closes_it() -> None:
    made = 0

    def counted(data: bytes) -> Serve:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal made
            made += 1
            await says(data)(reader, writer)

        return serve

    run(counted(answer(200)), *[REQUEST] * 5)
    assert made == 1
    run(counted(answer(200, b"42", "Connection: close")), *[REQUEST] * 5)
    assert made == 6


def test_requests_are_due_evenly() -> None:
    assert arrivals(4, 10, 11) == [10, 10.25, 10.5, 10.75]
