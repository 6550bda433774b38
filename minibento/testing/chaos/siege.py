"""Carries out a schedule against a running server, under load, and writes down what happens."""

import asyncio
import math
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from minibento.errors import Unavailable
from minibento.testing.chaos.load import Load, Outcome, Request, arrivals
from minibento.testing.chaos.schedule import Action, Event
from minibento.testing.chaos.target import Process, Target

__all__ = ["Done", "Record", "Siege", "Strength"]

_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
_LOOK_SECONDS = 0.05
# So long it may take until a server is whole again: start-up of a large model included.
_WHOLE_SECONDS = 120.0
# A caller leaves at some moment of this time.
_LEAVE_SECONDS = 0.333


@dataclass(frozen=True, slots=True)
class Strength:
    """Requests per second of each kind of load.

    Attributes:
        rate: All the time.
        flood: Beside, during a flood.
        disconnect: Beside, of callers that leave without waiting.
        burst_seconds: How long a flood or a wave of leaving callers lasts.
        rest_seconds: That a server which is whole again has at least until the next event.
    """

    rate: float
    flood: float
    disconnect: float
    burst_seconds: float
    rest_seconds: float


@dataclass(slots=True)
class Done:
    """An event that has happened.

    Attributes:
        at: When, of `time.monotonic()`.
        victim: Name of the process that it hit; None: none.
        whole_seconds: Until every process was there again; infinity: it never was; None: nothing
            was taken away.
    """

    action: Action
    at: float
    victim: str | None = None
    whole_seconds: float | None = None


@dataclass(slots=True)
class Record:
    """All that happened.

    Attributes:
        start: When it began, of `time.monotonic()`.
        events: In their order.
        outcomes: Of all requests.
        before: The server's processes before.
        after: And after; empty: it does not answer any more.
    """

    start: float
    events: list[Done] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    before: list[Process] = field(default_factory=list)
    after: list[Process] = field(default_factory=list)


class Siege:
    """One server, what it is asked, one schedule.

    Args:
        target: The server.
        load: Carries the requests.
        request: Makes each of the requests.
        strength: How often.
        say: Told what happens, in a line each.
    """

    def __init__(
        self,
        target: Target,
        load: Load,
        request: Callable[[], Request],
        strength: Strength,
        say: Callable[[str], None],
    ) -> None:
        self._target = target
        self._load = load
        self._request = request
        self._strength = strength
        self._say = say

    async def run(self, events: Sequence[Event], seconds: float, seed: int) -> Record:
        """Do all of it; returns when every request has ended."""
        before = await asyncio.to_thread(self._target.processes)
        record = Record(time.monotonic() + 0.1, before=before)
        end = record.start + seconds
        chance = random.Random(seed)  # noqa: S311 - to be the same again is what it is for
        quiet_until = record.start
        steady = self._requests(self._strength.rate, record.start, end)
        offering: list[asyncio.Task[Any]] = [asyncio.create_task(self._load.offer(steady))]
        try:
            for event in events:
                # Two blows at once would say nothing of either.
                due = max(record.start + event.at, quiet_until)
                await asyncio.sleep(due - time.monotonic())
                done = Done(event.action, time.monotonic())
                record.events.append(done)
                if event.action.role:
                    await self._strike(done, event.draw, record)
                    quiet_until = time.monotonic() + self._strength.rest_seconds
                else:
                    offering.append(asyncio.create_task(self._burst(event.action, chance)))
                self._say(_line(done, record.start))
            await asyncio.gather(*offering)
        finally:
            for one in offering:
                one.cancel()
        record.outcomes = self._load.outcomes
        try:
            record.after = await asyncio.to_thread(self._target.processes)
        except Unavailable as error:
            self._say(str(error))
        return record

    def _requests(self, rate: float, start: float, end: float) -> Iterator[tuple[float, Request]]:
        return ((due, self._request()) for due in arrivals(rate, start, end))

    async def _burst(self, action: Action, chance: random.Random) -> None:
        """A flood, or a wave of callers that leave."""
        now = time.monotonic()
        until = now + self._strength.burst_seconds
        if action.verb == "flood":
            await self._load.offer(self._requests(self._strength.flood, now, until))
            return
        await self._load.offer(
            (due, replace(one, patience=chance.uniform(0, _LEAVE_SECONDS), leaves=True))
            for due, one in self._requests(self._strength.disconnect, now, until)
        )

    async def _strike(self, done: Done, draw: float, record: Record) -> None:
        """Send a signal to a process, and wait until the server is whole again."""
        there = await asyncio.to_thread(self._target.processes)
        victims = [one for one in there if one.role == done.action.role and one.is_whole]
        if not victims:
            return
        victim = victims[int(draw * len(victims))]
        done.at = time.monotonic()
        if not self._target.signal(victim, _SIGNALS[done.action.verb]):
            return
        done.victim = f"{victim.name}[{victim.pid}]"
        done.whole_seconds = math.inf
        while time.monotonic() < done.at + _WHOLE_SECONDS:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                there = await asyncio.to_thread(self._target.processes)
            except Unavailable:
                if not self._target.exists:
                    return
                continue
            if _is_whole(there, record.before, victim):
                done.whole_seconds = time.monotonic() - done.at
                return


def _is_whole(there: Sequence[Process], before: Sequence[Process], victim: Process) -> bool:
    """Whether every process that there was at the beginning has one in its place that works."""
    works = {one.name for one in there if one.is_whole and one.pid != victim.pid}
    return works >= {one.name for one in before}


def _line(done: Done, start: float) -> str:
    hit = f" {done.victim}" if done.victim else ""
    if done.action.role and not done.victim:
        hit = ": there was none"
    whole = done.whole_seconds
    if whole is None:
        came = ""
    elif math.isinf(whole):
        came = ": not whole again"
    else:
        came = f": whole again after {whole * 1000:.0f} ms"
    verb = done.action.verb if done.victim else str(done.action)
    return f"{done.at - start:7.1f} s  {verb}{hit}{came}"
