"""Offers requests when they are due, whatever became of those before; knows no statistics.

A request that is due while every connection is busy opens another one; beyond `limit` connections
it waits in line here, and its clock runs from when it was due all the same.
"""

import asyncio
import gc
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf

from benchmarks.openloop.alarm import Alarm
from benchmarks.openloop.connection import Connection

__all__ = ["Outcome", "offer"]

WARM_CONNECTIONS = 16
START_DELAY = 0.05


@dataclass(slots=True)
class Outcome:
    """What became of one request; moments in seconds from the start of the schedule.

    Attributes:
        taken_up: When the generator came to it; later than `due` only by its own slowness.
        done: When its answer was whole; infinity: never.
        status: HTTP status; 0: the connection broke or was refused, or no answer came in time.
    """

    due: float
    taken_up: float = inf
    done: float = inf
    status: int = 0
    body: bytes = b""


async def offer(
    port: int,
    requests: Sequence[bytes],
    due: Sequence[float],
    *,
    grace: float = 10.0,
    limit: int = 1000,
    keep_bodies: bool = False,
) -> list[Outcome]:
    """Send `requests` in turn, over and over, at the moments `due` to 127.0.0.1.

    After the last moment, answers are awaited for `grace` seconds; what is not there by then has
    status 0 and is done at infinity.
    """
    load = _Load(port, requests, due, limit, keep_bodies=keep_bodies)
    collecting = gc.isenabled()
    gc.disable()  # a pause of ours would look like the server's
    try:
        return await load.run(grace)
    finally:
        if collecting:
            gc.enable()


class _Load:
    def __init__(
        self,
        port: int,
        requests: Sequence[bytes],
        due: Sequence[float],
        limit: int,
        *,
        keep_bodies: bool,
    ) -> None:
        self._port = port
        self._requests = requests
        self._outcomes = [Outcome(moment) for moment in due]
        self._limit = limit
        self._keep_bodies = keep_bodies
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()
        self._line: deque[int] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._missing = len(due)
        self._finished = asyncio.Event()
        self._all_lost = asyncio.Event()
        self._start = 0.0

    async def run(self, grace: float) -> list[Outcome]:
        warm = min(WARM_CONNECTIONS, self._limit)
        await asyncio.gather(*(self._open() for _ in range(warm)))
        alarm = Alarm()
        self._start = time.monotonic() + START_DELAY
        try:
            for index, outcome in enumerate(self._outcomes):
                await alarm.until(self._start + outcome.due)
                self._offer(index)
            if self._missing:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._finished.wait(), grace)
        finally:
            alarm.close()
            await self._close()
        return self._outcomes

    def _offer(self, index: int) -> None:
        self._outcomes[index].taken_up = time.monotonic() - self._start
        if self._idle:
            self._send(self._idle.pop(), index)
            return
        self._line.append(index)
        self._open_another()

    def _open_another(self) -> None:
        if len(self._all) + len(self._opening) < self._limit:
            task = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        connection: Connection | None
        try:
            _, connection = await loop.create_connection(
                lambda: Connection(self._answered, self._lost), "127.0.0.1", self._port
            )
        except OSError:
            connection = None
        if connection is None or not connection.connected:
            if self._line:
                self._end(self._line.popleft())
            if self._line:
                self._open_another()
            return
        self._all.add(connection)
        self._next(connection)

    def _send(self, connection: Connection, index: int) -> None:
        connection.send(index, self._requests[index % len(self._requests)])

    def _next(self, connection: Connection) -> None:
        if self._line:
            self._send(connection, self._line.popleft())
        else:
            self._idle.append(connection)

    def _answered(self, connection: Connection, status: int, body: bytes, reusable: bool) -> None:
        outcome = self._outcomes[connection.index]
        outcome.done = time.monotonic() - self._start
        outcome.status = status
        if self._keep_bodies:
            outcome.body = body
        self._end(connection.index)
        connection.index = -1
        if reusable:
            self._next(connection)

    def _lost(self, connection: Connection) -> None:
        self._all.discard(connection)
        if not self._all:
            self._all_lost.set()
        if connection in self._idle:
            self._idle.remove(connection)
        if connection.index >= 0:
            self._end(connection.index)
            connection.index = -1
        if self._line:
            self._open_another()

    def _end(self, index: int) -> None:
        assert index >= 0
        self._missing -= 1
        if not self._missing:
            self._finished.set()

    async def _close(self) -> None:
        for task in self._opening:
            task.cancel()
        self._all_lost.clear()
        self._line.clear()
        for connection in list(self._all):
            connection.close()
        if self._all:
            await self._all_lost.wait()
