"""One table of contestants under wrk at some numbers of connections; knows no particular one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from benchmarks import wrk
from benchmarks.failures import MeasurementFailed
from benchmarks.field import running
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Contestant, Server
from benchmarks.settings import Settings

__all__ = ["Ratio", "compare", "load"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """Throughput of `ours` over that of `theirs`, which has to be `at_least`."""

    ours: str
    theirs: str
    connections: int
    at_least: float


class _Case(NamedTuple):
    name: str
    connections: int

    def __str__(self) -> str:
        return f"{self.name} x {self.connections}"


def compare(
    title: str,
    contestants: Sequence[Contestant],
    connections: Sequence[int],
    ratios: Sequence[Ratio],
    settings: Settings,
) -> Report:
    """Measure all of them side by side; the last contestant's ratio to each is a column."""
    cases = [_Case(one.name, number) for number in connections for one in contestants]
    with running(contestants, settings.place.directory) as field:
        # Caches fill and fitted costs settle before anything counts.
        warm = interleave(
            list(field.servers), 1, lambda name: load(field.servers[name], 16, 1, settings)
        )
        measured = interleave(
            [case for case in cases if case.name in warm.figures],
            settings.rounds,
            lambda case: load(
                field.servers[case.name], case.connections, settings.seconds, settings
            ),
        )
    medians = {case: wrk.median(figures) for case, figures in measured.figures.items()}
    failed = {str(case): why for case, why in measured.failures.items()}
    return Report(
        title,
        f"wrk, closed loop, medians of {settings.rounds} interleaved rounds of "
        f"{settings.seconds} s; latencies are those a closed loop sees.",
        ["server", "connections", "requests/s", "min..max", "p50 ms", "p99 ms", "minibento / this"],
        [_row(case, medians, measured.figures.get(case, [])) for case in cases],
        [_goal(ratio, medians) for ratio in ratios],
        {**field.failures, **warm.failures, **failed},
    )


def load(server: Server, connections: int, seconds: int, settings: Settings) -> wrk.Throughput:
    """One load, after which the server is idle again and still answers rightly."""
    figure = wrk.run(
        server.port, server.contestant.workload, connections, seconds, settings.place.directory
    )
    if not server.settle():
        raise MeasurementFailed("does not answer any more after the load")
    return figure


def _row(
    case: _Case, medians: dict[_Case, wrk.Throughput], figures: Sequence[wrk.Throughput]
) -> list[str]:
    if case not in medians:
        return [case.name, str(case.connections), "-", "-", "-", "-", "-"]
    median = medians[case]
    ours = medians.get(_Case("minibento", case.connections))
    rates = [figure.rate for figure in figures]
    return [
        case.name,
        str(case.connections),
        f"{median.rate:,.0f}",
        f"{min(rates):,.0f}..{max(rates):,.0f}",
        f"{median.p50 * 1e3:.2f}",
        f"{median.p99 * 1e3:.2f}",
        f"{ours.rate / median.rate:.2f}" if ours else "-",
    ]


def _goal(ratio: Ratio, medians: dict[_Case, wrk.Throughput]) -> Goal:
    ours = medians.get(_Case(ratio.ours, ratio.connections))
    theirs = medians.get(_Case(ratio.theirs, ratio.connections))
    return Goal(
        f"{ratio.ours} / {ratio.theirs} at {ratio.connections} connections",
        ours.rate / theirs.rate if ours and theirs else None,
        at_least=ratio.at_least,
    )
