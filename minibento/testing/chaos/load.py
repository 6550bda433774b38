"""Requests that go out when they are due, whatever became of those before; knows no faults.

A closed loop of clients waits while a server hangs, and asks least when things are worst.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from minibento.testing.chaos.connection import Connection

__all__ = ["Load", "Outcome", "Request", "Verdict", "arrivals"]

# Whoever comes while so many wait for their answers waits for a connection, and his clock runs.
_MOST_CONNECTIONS = 1000
_DELIBERATE = {429, 503, 504}


class Verdict(Enum):
    """What became of a request."""

    ANSWERED = "answered"
    REFUSED = "refused"  # 503, 504 or 429: the server says that it cannot, in words
    LEFT = "left"  # the caller did not wait
    WRONG = "wrong"  # somebody else's answer, or one of 4xx to a request that is good
    FAILED = "failed"  # 5xx that is no refusal
    RESET = "reset"  # the connection broke before the answer
    UNREACHABLE = "unreachable"  # no connection was made
    LATE = "late"  # no answer in time

    @property
    def is_lost(self) -> bool:
        """Whether the caller was let down."""
        return self not in _KEPT


_KEPT = {Verdict.ANSWERED, Verdict.REFUSED, Verdict.LEFT}


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent.

    Attributes:
        data: The bytes.
        expected: The body of the right answer; None: any of status 2xx is right.
        patience: Seconds from when it is due that the caller waits.
        leaves: Whether the caller means to leave then, instead of being let down.
    """

    data: bytes
    expected: bytes | None = None
    patience: float = 30.0
    leaves: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of one request; moments of `time.monotonic()`.

    Attributes:
        due: When it was to be sent.
        done: When it was over.
        status: Of the answer; 0: there was none.
        body: Of the answer.
    """

    due: float
    verdict: Verdict = Verdict.LATE
    done: float = math.inf
    status: int = 0
    body: bytes = b""

    @property
    def seconds(self) -> float:
        """From when it was due to its end."""
        return self.done - self.due


def arrivals(rate: float, start: float, end: float) -> list[float]:
    """Moments from `start` to `end`, `rate` for each second."""
    return [start + index / rate for index in range(int(rate * (end - start)))]


class Load:
    """Requests to one server over connections that are kept open.

    Attributes:
        outcomes: Of all requests that were due, in their order.
    """

    def __init__(self, host: str, port: int) -> None:
        self.outcomes: list[Outcome] = []
        self._host, self._port = host, port
        self._idle: list[Connection] = []
        self._places = asyncio.Semaphore(_MOST_CONNECTIONS)

    async def offer(self, requests: Iterable[tuple[float, Request]]) -> list[Outcome]:
        """Send each when it is due, and wait for the end of all.

        Args:
            requests: Each with its moment of `time.monotonic()`, in order.
        """
        asking: list[asyncio.Task[Outcome]] = []
        for due, request in requests:
            await asyncio.sleep(due - time.monotonic())
            asking.append(asyncio.create_task(self.send(request, due)))
        return list(await asyncio.gather(*asking))

    async def send(self, request: Request, due: float | None = None) -> Outcome:
        """Send one; what became of it."""
        outcome = Outcome(time.monotonic() if due is None else due)
        self.outcomes.append(outcome)
        try:
            async with asyncio.timeout(outcome.due + request.patience - time.monotonic()):
                async with self._places, self._connection() as connection:
                    outcome.status, outcome.body = await connection.ask(request.data)
            outcome.verdict = _judged(outcome, request)
        except TimeoutError:
            outcome.verdict = Verdict.LEFT if request.leaves else Verdict.LATE
        except _Unreachable:
            outcome.verdict = Verdict.UNREACHABLE
        except OSError:
            outcome.verdict = Verdict.RESET
        outcome.done = time.monotonic()
        return outcome

    def close(self) -> None:
        """Drop all connections."""
        for one in self._idle:
            one.close()
        self._idle.clear()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """One for a single request; kept afterwards if all went well."""
        connection = await self._connected()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            self._idle.append(connection)

    async def _connected(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                Connection, self._host, self._port
            )
        except OSError as error:
            raise _Unreachable from error
        return connection


class _Unreachable(Exception):
    """No connection was made."""


def _judged(outcome: Outcome, request: Request) -> Verdict:
    if outcome.status in _DELIBERATE:
        return Verdict.REFUSED
    if outcome.status >= 500:
        return Verdict.FAILED
    right = request.expected is None or outcome.body == request.expected
    return Verdict.ANSWERED if right and 200 <= outcome.status < 300 else Verdict.WRONG
