"""Against a server that stalls, refuses or leaves when the test says so, on the test's own loop."""

import asyncio
from collections.abc import Awaitable, Callable
from math import inf

import httptools

from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from benchmarks.openloop.summary import summarise

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"


class Script:
    """What the server does with the next request: `answer`, or hold while it is stalled."""

    def __init__(self, answer: bytes = OK) -> None:
        self.answer = answer
        self.stalled = False
        self.held: list[asyncio.Transport] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    def stall(self) -> None:
        self.stalled = True

    def go_on(self) -> None:
        self.stalled = False
        for transport in self.held:
            transport.write(self.answer)
        self.held.clear()


class Peer(asyncio.Protocol):
    def __init__(self, script: Script) -> None:
        self.script = script
        self.parser = httptools.HttpRequestParser(self)
        script.connections += 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.script.bodies.append(body)

    def on_message_complete(self) -> None:
        if self.script.stalled:
            self.script.held.append(self.transport)
        elif self.script.answer:
            self.transport.write(self.script.answer)
            if b"close" in self.script.answer:
                self.transport.close()
        else:
            self.transport.abort()


REQUESTS = [encode("/", b'{"a": 1}'), encode("/", b'{"b": 2}')]


def against(script: Script, load: Callable[[int], Awaitable[list[Outcome]]]) -> list[Outcome]:
    async def run() -> list[Outcome]:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Peer(script), "127.0.0.1", 0)
        async with server:
            return await load(server.sockets[0].getsockname()[1])

    return asyncio.run(run())


def stalling(script: Script, due: list[float], limit: int) -> list[Outcome]:
    """Load the server, which stalls for 500 ms half a second after the first request."""

    async def load(port: int) -> list[Outcome]:
        loop = asyncio.get_running_loop()
        loop.call_later(0.5, script.stall)
        loop.call_later(1.0, script.go_on)
        return await offer(port, REQUESTS, due, limit=limit)

    return against(script, load)


def test_a_stall_of_500_ms_is_seen_by_every_request_that_was_due_in_it() -> None:
    due = arrivals("constant", 200, 1.5)
    outcomes = stalling(Script(), due, limit=1000)
    found = summarise(outcomes, 1.5, 0.1)
    slow = [outcome for outcome in outcomes if outcome.done - outcome.due > 0.1]
    assert 0.4 < found.p99 < 0.6
    assert found.p50 < 0.05
    assert len(slow) > 60  # of the 100 due in the stall; a closed loop would have seen one
    assert found.failures == {}


def test_the_generator_goes_on_offering_while_the_server_stalls() -> None:
    outcomes = stalling(Script(), arrivals("constant", 200, 1.5), limit=1000)
    assert summarise(outcomes, 1.5, 0.1).lag_p99 < 0.1


def test_a_stall_shows_even_where_all_share_one_connection() -> None:
    outcomes = stalling(Script(), arrivals("constant", 200, 1.5), limit=1)
    assert 0.4 < summarise(outcomes, 1.5, 0.1).p99 < 0.7


def test_requests_go_out_in_turn_and_every_answer_is_kept_if_asked_for() -> None:
    script = Script()
    outcomes = against(
        script, lambda port: offer(port, REQUESTS, [0.0] * 4, limit=1, keep_bodies=True)
    )
    assert script.bodies == [b'{"a": 1}', b'{"b": 2}'] * 2
    assert [(outcome.status, outcome.body) for outcome in outcomes] == [(200, b"{}")] * 4


def test_connections_are_kept_alive_and_no_more_are_opened_than_allowed() -> None:
    script = Script()
    against(script, lambda port: offer(port, REQUESTS, [0.0] * 100, limit=5))
    assert script.connections == 5


def test_a_server_that_closes_after_each_answer_is_connected_to_again() -> None:
    script = Script(CLOSING)
    due = arrivals("constant", 200, 0.3)
    outcomes = against(script, lambda port: offer(port, REQUESTS, due))
    assert {outcome.status for outcome in outcomes} == {200}
    assert script.connections >= len(due)


def test_a_line_is_worked_off_over_one_connection_after_the_other() -> None:
    script = Script(CLOSING)
    outcomes = against(script, lambda port: offer(port, REQUESTS, [0.0] * 5, limit=1, grace=2))
    assert [outcome.status for outcome in outcomes] == [200] * 5
    assert script.connections == 5


def test_refusals_are_counted_by_status() -> None:
    outcomes = against(Script(BUSY), lambda port: offer(port, REQUESTS, [0.0] * 10))
    assert summarise(outcomes, 1, 1).failures == {"503": 10}


def test_what_is_not_answered_in_time_is_infinitely_late() -> None:
    script = Script()
    script.stall()
    outcomes = against(script, lambda port: offer(port, REQUESTS, [0.0] * 10, grace=0.1))
    assert [outcome.done for outcome in outcomes] == [inf] * 10


def test_a_server_that_breaks_the_connection_answers_nothing() -> None:
    outcomes = against(Script(b""), lambda port: offer(port, REQUESTS, [0.0] * 10))
    assert summarise(outcomes, 1, 1).failures == {"no answer": 10}


def test_a_server_that_is_not_there_answers_nothing() -> None:
    async def load(port: int) -> list[Outcome]:
        return await offer(port, REQUESTS, [0.0] * 10, grace=1.0)

    async def closed_port() -> int:
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
        async with server:
            return int(server.sockets[0].getsockname()[1])

    outcomes = asyncio.run(load(asyncio.run(closed_port())))
    assert summarise(outcomes, 1, 1).failures == {"no answer": 10}
