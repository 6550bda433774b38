"""Goodput within an objective when requests come on their own, below and above what is possible."""

import asyncio
import statistics
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import uvloop

from benchmarks.contestants import model_servers
from benchmarks.field import running
from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import offer
from benchmarks.openloop.summary import Summary, summarise
from benchmarks.report import Report
from benchmarks.rounds import Measured, interleave
from benchmarks.server import Contestant, Server
from benchmarks.settings import Settings

__all__ = ["run"]

OBJECTIVE_SECONDS = {"light": 0.05, "forest": 0.1}
RATES = {"light": (500, 2000, 4000), "forest": (50, 300, 800)}
# Answers later than this are not good by any objective; nobody waits for them to the end.
GRACE_SECONDS = 2.0
COLUMNS = (
    *("model", "offered/s", "server", "goodput/s", "of offered"),
    *("p50 ms", "p90 ms", "p99 ms", "generator late ms", "failed"),
)


class _Case(NamedTuple):
    model: str
    rate: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} with {self.model} at {self.rate}/s"


def run(settings: Settings) -> list[Report]:
    """Poisson arrivals from a generator that does not slow down when the server does."""
    contestants = {model: model_servers(settings.place, model) for model in RATES}
    cases = [
        _Case(model, rate, one.name)
        for model, rates in RATES.items()
        for rate in rates
        for one in contestants[model]
    ]
    measured, failures = _measure(contestants, cases, settings)
    objectives = ", ".join(f"{model} {s * 1e3:.0f} ms" for model, s in OBJECTIVE_SECONDS.items())
    return [
        Report(
            "Goodput, open loop",
            f"Poisson arrivals, latency from when a request was due, medians of {settings.rounds} "
            f"interleaved rounds of {settings.seconds} s. Objective: {objectives}. 'generator "
            "late' is its own p99 delay: where it is not small against the latencies, the machine "
            "was too busy to measure.",
            COLUMNS,
            [_row(case, measured.figures.get(case, [])) for case in cases],
            failures={**failures, **{str(case): why for case, why in measured.failures.items()}},
        )
    ]


def _measure(
    contestants: Mapping[str, Sequence[Contestant]], cases: Sequence[_Case], settings: Settings
) -> tuple[Measured[_Case, Summary], dict[str, str]]:
    failures: dict[str, str] = {}
    servers: dict[tuple[str, str], Server] = {}
    with ExitStack() as stack:
        for model, ones in contestants.items():
            field = stack.enter_context(running(ones, settings.place.directory))
            servers.update({(model, name): server for name, server in field.servers.items()})
            failures.update({f"{name} with {model}": why for name, why in field.failures.items()})
        measured = interleave(
            [case for case in cases if (case.model, case.name) in servers],
            settings.rounds,
            lambda case: _load(servers[case.model, case.name], case, settings.seconds),
        )
    return measured, failures


def _load(server: Server, case: _Case, seconds: float) -> Summary:
    workload = server.contestant.workload
    requests = [encode(workload.path, body) for body in workload.bodies]
    due = arrivals("poisson", case.rate, seconds)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(offer(server.port, requests, due, grace=GRACE_SECONDS))
    if not server.settle(GRACE_SECONDS):
        server.restart()  # it works on what it had been asked; the next case must not pay for it
    return summarise(outcomes, seconds, OBJECTIVE_SECONDS[case.model])


def _row(case: _Case, found: Sequence[Summary]) -> list[str]:
    start = [case.model, str(case.rate), case.name]
    if not found:
        return [*start, *["-"] * (len(COLUMNS) - len(start))]

    def median(key: str) -> float:
        return float(statistics.median(getattr(summary, key) for summary in found))

    failed: dict[str, int] = {}
    for summary in found:
        for kind, number in summary.failures.items():
            failed[kind] = failed.get(kind, 0) + number
    return [
        *start,
        f"{median('goodput'):,.0f}",
        f"{median('goodput') / median('offered'):.0%}",
        *(f"{median(key) * 1e3:.1f}" for key in ("p50", "p90", "p99", "lag_p99")),
        ", ".join(f"{number} x {kind}" for kind, number in sorted(failed.items())) or "none",
    ]
