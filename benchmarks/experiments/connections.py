"""Thousands of open connections, of which some ask now and then, as the users of a load test do."""

import asyncio
import random
import time

import uvloop

from benchmarks.contestants import served
from benchmarks.family import pids
from benchmarks.field import running
from benchmarks.kernel import resident_bytes
from benchmarks.openloop.connection import Connection, encode
from benchmarks.openloop.summary import percentile
from benchmarks.report import Goal, Report
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workload import placeholder

__all__ = ["run"]

OPEN, ASKING = 5000, 2000
LEAST_PAUSE, MOST_PAUSE = 0.01, 2.0
AT_ONCE = 200
BOUND_KIB = 40.0


def run(settings: Settings) -> list[Report]:
    """One API worker; memory before any connection and with all open, each answered once."""
    place = settings.place
    few = settings.rounds == 1
    number, asking = (500, 200) if few else (OPEN, ASKING)
    seconds = 3.0 if few else 20.0
    contestant = served(
        "minibento", "minibento_noop:Noop", placeholder(place.rows), place.environment("light")
    )
    with running([contestant], place.directory) as field:
        users: _Users | None = None
        for server in field.servers.values():
            users = _Users(server, number, asking, seconds)
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(users.live())
    if users is None:
        return [Report("Open connections", "", ["-"], [], failures=field.failures)]
    return [
        Report(
            "Open connections",
            f"{number:,} keep-alive connections, of which {asking:,} ask every {LEAST_PAUSE:g} to "
            f"{MOST_PAUSE:g} s for {seconds:g} s. No-op endpoint, one API worker; its memory with "
            "all open and idle, less that before.",
            ["refused", "lost", "answers", "requests/s", "p50 ms", "p99 ms", "KiB each"],
            [
                [
                    str(users.refused),
                    str(users.lost),
                    f"{len(users.latencies):,}",
                    f"{len(users.latencies) / seconds:,.0f}",
                    f"{percentile(users.latencies, 0.5) * 1e3:.1f}",
                    f"{percentile(users.latencies, 0.99) * 1e3:.1f}",
                    f"{users.kib_each:.1f}",
                ]
            ],
            [
                Goal("refused or lost", users.refused + users.lost, at_most=0),
                Goal("an idle connection", users.kib_each, at_most=BOUND_KIB, unit=" KiB"),
            ],
            field.failures,
        )
    ]


class _Users:
    """Their connections; `refused` were never open, `lost` closed or answered otherwise."""

    def __init__(self, server: Server, number: int, asking: int, seconds: float) -> None:
        self.refused = self.lost = 0
        self.latencies: list[float] = []
        self.kib_each = 0.0
        self._port = server.port
        self._number, self._asking, self._seconds = number, asking, seconds
        self._request = encode(
            server.contestant.workload.path, server.contestant.workload.bodies[0]
        )
        [self._pid] = pids(server, "api-worker")
        self._since: dict[Connection, float] = {}
        self._answered_once = 0
        self._over = False
        self._draw = random.Random(1)

    async def live(self) -> None:
        before = resident_bytes(self._pid)
        users: list[Connection] = []
        while (left := self._number - len(users) - self.refused) > 0:
            opened = await asyncio.gather(*(self._open() for _ in range(min(AT_ONCE, left))))
            users += [one for one in opened if one is not None]
        for start in range(0, len(users), AT_ONCE):
            for user in users[start : start + AT_ONCE]:
                self._ask(user)
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)
        self.kib_each = (resident_bytes(self._pid) - before) / 1024 / len(users)
        self.latencies.clear()
        for user in users[: self._asking]:
            self._ask_later(user)
        await asyncio.sleep(self._seconds)
        self._over = True
        await asyncio.sleep(0.5)
        for user in users:
            user.close()
        await asyncio.sleep(0)

    async def _open(self) -> Connection | None:
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self._answered, self._lost), "127.0.0.1", self._port
            )
        except OSError:
            self.refused += 1
            return None
        return made

    def _ask(self, user: Connection) -> None:
        if user.connected and user.index < 0:
            self._since[user] = time.perf_counter()
            user.send(0, self._request)

    def _ask_later(self, user: Connection) -> None:
        if not self._over:
            pause = self._draw.uniform(LEAST_PAUSE, MOST_PAUSE)
            asyncio.get_running_loop().call_later(pause, self._ask, user)

    def _answered(self, user: Connection, status: int, _: bytes, reusable: bool) -> None:
        user.index = -1
        first = self._answered_once < self._number
        self._answered_once += 1
        if status != 200 or not reusable:
            self.lost += 1
        self.latencies.append(time.perf_counter() - self._since.pop(user))
        if not first:
            self._ask_later(user)

    def _lost(self, _: Connection) -> None:
        self.lost += not self._over
