"""What a process of its own for the model costs and gives, from light calls to heavy ones.

The light model is set against the validating endpoint without a model under the same server, the
forest against one thread that does nothing but compute batches.
"""

import statistics
import time
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from benchmarks import wrk
from benchmarks.closed_loop import load
from benchmarks.contestants import processes, served
from benchmarks.family import ROLES, role_seconds
from benchmarks.field import running
from benchmarks.report import Goal, Report
from benchmarks.rounds import Measured, interleave
from benchmarks.server import Contestant, Server
from benchmarks.settings import Settings
from benchmarks.workload import placeholder
from benchmarks.workplace import Workplace

__all__ = ["run"]

NOOP = "no-op"
ONE, TWO, EMBEDDED = "1-api-worker", "2-api-workers", "embedded"
LIGHT_GOALS = {(ONE, 32): 0.45, (ONE, 128): 0.55, (TWO, 128): 0.7}
ALONE = "one thread alone, batches of 128"
FOREST = "processes"
FOREST_GOALS = {128: 0.55, 512: 0.8}
BATCH = 128


class _Case(NamedTuple):
    name: str
    connections: int

    def __str__(self) -> str:
        return f"{self.name} x {self.connections}"


class _Figure(NamedTuple):
    """Requests (or rows) per second, latencies, and processor seconds a request by role."""

    load: wrk.Throughput
    seconds: dict[str, float]


def run(settings: Settings) -> list[Report]:
    """The light model first."""
    return [_light(settings), _forest(settings)]


def _light(settings: Settings) -> Report:
    place = settings.place
    embedded = ("--set", "runners.model.placement=embedded")
    contestants = [
        served(NOOP, "minibento_noop:Noop", placeholder(place.rows), place.environment("light")),
        processes(place, "light", ONE),
        processes(place, "light", TWO, "--api-workers", "2"),
        processes(place, "light", EMBEDDED, *embedded),
    ]
    cases = [_Case(one.name, number) for number in (32, 128) for one in contestants]
    measured, failures = _measure(contestants, cases, settings)
    medians = _medians(measured)

    def share(case: _Case) -> float | None:
        base = medians.get(_Case(NOOP, case.connections))
        return medians[case].rate / base.rate if case in medians and base else None

    return Report(
        "Light model in a process of its own",
        f"wrk, closed loop, medians of {settings.rounds} interleaved rounds of "
        f"{settings.seconds} s; processor time of all processes of a role, per request.",
        _columns("of no-op"),
        [_row(case, medians, measured, share(case)) for case in cases],
        [
            Goal(f"{name} / {NOOP} at {number} connections", share(_Case(name, number)), bound)
            for (name, number), bound in LIGHT_GOALS.items()
        ],
        failures,
    )


def _forest(settings: Settings) -> Report:
    contestants = [processes(settings.place, "forest", FOREST)]
    alone = _Case(ALONE, 0)
    cases = [alone, *(_Case(FOREST, number) for number in FOREST_GOALS)]
    measured, failures = _measure(contestants, cases, settings)
    medians = _medians(measured)

    def share(case: _Case) -> float | None:
        if case not in medians or alone not in medians:
            return None
        return medians[case].rate / medians[alone].rate

    return Report(
        "Forest of 200 trees in a process of its own",
        f"As above; one row a request. `{ALONE}` is the model called in a loop, no server.",
        _columns("of alone"),
        [_row(case, medians, measured, share(case)) for case in cases],
        [
            Goal(f"{FOREST} / {ALONE}, {number} connections", share(_Case(FOREST, number)), bound)
            for number, bound in FOREST_GOALS.items()
        ],
        failures,
    )


def _measure(
    contestants: Sequence[Contestant], cases: Sequence[_Case], settings: Settings
) -> tuple[Measured[_Case, _Figure], dict[str, str]]:
    with running(contestants, settings.place.directory) as field:
        warm = interleave(
            list(field.servers), 1, lambda name: load(field.servers[name], 16, 1, settings)
        )
        measure = {
            case: partial(_over_http, field.servers[case.name], case.connections, settings)
            for case in cases
            if case.name in warm.figures
        }
        measure |= {
            case: partial(_alone, settings.place, settings.seconds)
            for case in cases
            if case.name == ALONE
        }
        measured = interleave(list(measure), settings.rounds, lambda case: measure[case]())
    failed = {str(case): why for case, why in measured.failures.items()}
    return measured, {**field.failures, **warm.failures, **failed}


def _over_http(server: Server, connections: int, settings: Settings) -> _Figure:
    before = role_seconds(server)
    figure = load(server, connections, settings.seconds, settings)
    after = role_seconds(server)
    requests = figure.rate * settings.seconds
    return _Figure(figure, {role: (after[role] - before[role]) / requests for role in ROLES})


def _alone(place: Workplace, seconds: float) -> _Figure:
    from threadpoolctl import threadpool_limits

    model = place.models["forest"]
    batch = [place.rows[index % len(place.rows)] for index in range(BATCH)]
    took: list[float] = []
    with threadpool_limits(1):
        start = time.perf_counter()
        while (began := time.perf_counter()) < start + seconds:
            model.predict_proba(batch)
            took.append(time.perf_counter() - began)
    middle = statistics.median(took)
    rate = BATCH * len(took) / (time.perf_counter() - start)
    return _Figure(wrk.Throughput(rate, middle, max(took)), {})


def _medians(measured: Measured[_Case, _Figure]) -> dict[_Case, wrk.Throughput]:
    return {
        case: wrk.median([figure.load for figure in figures])
        for case, figures in measured.figures.items()
    }


def _columns(share: str) -> list[str]:
    latencies = ["requests/s", "min..max", "p50 ms", "p99 ms"]
    return ["server", "connections", *latencies, share, "API us", "runner us"]


def _row(
    case: _Case,
    medians: dict[_Case, wrk.Throughput],
    measured: Measured[_Case, _Figure],
    share: float | None,
) -> list[str]:
    start = [case.name, str(case.connections or "-")]
    if case not in medians:
        return [*start, *["-"] * 7]
    median, figures = medians[case], measured.figures[case]
    rates = [figure.load.rate for figure in figures]
    return [
        *start,
        f"{median.rate:,.0f}",
        f"{min(rates):,.0f}..{max(rates):,.0f}",
        f"{median.p50 * 1e3:.2f}",
        f"{median.p99 * 1e3:.2f}",
        "-" if share is None else f"{share:.2f}",
        *(_microseconds(figures, role) for role in ROLES),
    ]


def _microseconds(figures: Sequence[_Figure], role: str) -> str:
    found = [figure.seconds[role] for figure in figures if figure.seconds.get(role)]
    return f"{statistics.median(found) * 1e6:.0f}" if found else "-"
