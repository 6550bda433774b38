"""What is answered when more is asked than can be done: goodput, who is refused and how soon."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import uvloop

from benchmarks.contestants import served
from benchmarks.field import running
from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from benchmarks.openloop.summary import percentile
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workload import Workload

__all__ = ["run"]

# A batch of 8 takes 45 ms.
CAPACITY = 8 / 0.045
BELOW, TIMES = 0.9, (0.9, 1.0, 2.0, 5.0, 10.0, 20.0)
LEAST, REFUSED_MS, WORSE = 0.9, 10.0, 2.0
NUMBERS = 16  # Twice as many at once, as are asked before a load, are answered within the bound.


@dataclass(frozen=True, slots=True)
class _Load:
    """Of one load: answers per second, and in seconds p99 of answers, of refusals, of our delay."""

    goodput: float
    accepted: float
    refused: float
    late: float
    statuses: Counter[int]


def run(settings: Settings) -> list[Report]:
    """Poisson arrivals at multiples of the capacity, each for some seconds, in turn."""
    contestant = served(
        "sleeping", "minibento_sleeping:Sleeping", _workload(), settings.place.environment("light")
    )
    with running([contestant], settings.place.directory) as field:
        measured = interleave(
            TIMES if field.servers else (),
            settings.rounds,
            lambda times: _load(next(iter(field.servers.values())), times, settings.seconds),
        )
    found = measured.figures
    return [
        Report(
            "Overload",
            "A model that sleeps 5 ms and 5 ms for each of up to 8 items, so at most "
            f"{CAPACITY:.0f}/s; max_wait_ms 200; open loop, Poisson arrivals; medians of "
            f"{settings.rounds} rounds of {settings.seconds} s.",
            [
                *("offered", "answered/s", "of capacity", "p99 of answers ms"),
                *("p99 of refusals ms", "generator late ms", "statuses"),
            ],
            [_row(times, loads) for times, loads in found.items()],
            _goals(found),
            {**field.failures, **{f"{t:g}": why for t, why in measured.failures.items()}},
        )
    ]


def _load(server: Server, times: float, seconds: int) -> _Load:
    workload = server.contestant.workload
    requests = [encode(workload.path, body) for body in workload.bodies]
    due = arrivals("poisson", times * CAPACITY, seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(offer(server.port, requests, due, keep_bodies=True))
    for index, one in enumerate(outcomes):
        if one.status == 200:
            workload.check(index % NUMBERS, one.status, one.body)
    server.settle()
    good = [one for one in outcomes if one.status == 200]
    return _Load(
        len(good) / max(seconds, max((one.done for one in good), default=0.0)),
        _p99(good),
        _p99([one for one in outcomes if one.status == 503]),
        percentile([one.taken_up - one.due for one in outcomes], 0.99),
        Counter(one.status for one in outcomes),
    )


def _p99(outcomes: Sequence[Outcome]) -> float:
    return percentile([one.done - one.due for one in outcomes], 0.99)


def _row(times: float, loads: Sequence[_Load]) -> list[str]:
    statuses = sum((load.statuses for load in loads), Counter[int]())
    goodput = _median(loads, "goodput")
    return [
        f"{times:g} times",
        f"{goodput:.0f}",
        f"{goodput / CAPACITY:.2f}",
        *(f"{_median(loads, name) * 1e3:.1f}" for name in ("accepted", "refused", "late")),
        ", ".join(f"{count} x {status or 'none'}" for status, count in sorted(statuses.items())),
    ]


def _goals(found: dict[float, list[_Load]]) -> list[Goal]:
    over = [times for times in found if times > 1]
    least = min((_median(found[times], "goodput") / CAPACITY for times in over), default=None)
    refused = max((_median(found[times], "refused") * 1e3 for times in over), default=None)
    worst = max((_median(found[times], "accepted") for times in over), default=None)
    below = _median(found[BELOW], "accepted") if BELOW in found else None
    return [
        Goal("least goodput above capacity, of capacity", least, at_least=LEAST),
        Goal("p99 of refusals", refused, at_most=REFUSED_MS, unit=" ms"),
        Goal(
            "p99 of answers under overload, of that at 0.9",
            worst / below if worst is not None and below else None,
            at_most=WORSE,
        ),
    ]


def _median(loads: Sequence[_Load], name: str) -> float:
    return float(statistics.median(getattr(load, name) for load in loads))


def _workload() -> Workload:
    numbers = range(NUMBERS)
    answers = tuple({"number": number} for number in numbers)
    return Workload("/echo", tuple(b"%d" % number for number in numbers), answers)
