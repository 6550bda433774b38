"""How much later than most the last of a hundred are, at half of what a server can do.

Each server is offered half of its own throughput: at equal rates the faster one would be less busy.
"""

import asyncio
import statistics
from collections.abc import Sequence
from typing import NamedTuple

import uvloop

from benchmarks.closed_loop import load
from benchmarks.contestants import model_servers, noop_servers
from benchmarks.field import running
from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import offer
from benchmarks.openloop.summary import Summary, summarise
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Contestant, Server
from benchmarks.settings import Settings

__all__ = ["half_load"]

NO_MODEL, BASE, OURS = "starlette-no-op", "starlette", "processes"
CONNECTIONS = 32
BOUND = 1.5
OBJECTIVE_SECONDS = 0.05
COLUMNS = ("server", "offered/s", "p50 ms", "p99 ms", "p99 / p50", "generator late ms", "failed")


class _Found(NamedTuple):
    rate: float
    summary: Summary


def half_load(settings: Settings) -> Report:
    """Light model, open loop, Poisson arrivals."""
    contestants = [one for one in model_servers(settings.place, "light") if one.name != "mosec"]
    floor = next(one for one in noop_servers(settings.place) if one.name == BASE)
    contestants.insert(0, Contestant(NO_MODEL, floor.command, floor.workload, floor.environment))
    with running(contestants, settings.place.directory) as field:
        most = interleave(
            list(field.servers),
            settings.rounds,
            lambda name: load(field.servers[name], CONNECTIONS, settings.seconds, settings).rate,
        )
        rates = {name: statistics.median(found) / 2 for name, found in most.figures.items()}
        measured = interleave(
            list(rates),
            settings.rounds,
            lambda name: _offered(field.servers[name], rates[name], settings.seconds),
        )
    ratios = {
        name: statistics.median(one.summary.p99 / one.summary.p50 for one in found)
        for name, found in measured.figures.items()
    }
    return Report(
        "Latency at half load, light model",
        f"Poisson arrivals at half of the throughput that each server reaches at {CONNECTIONS} "
        f"connections in the same run, latency from when a request was due, medians of "
        f"{settings.rounds} interleaved rounds of {settings.seconds} s.",
        COLUMNS,
        [_row(one.name, measured.figures.get(one.name, []), ratios) for one in contestants],
        [
            Goal(
                f"p99 / p50 of {OURS}, of that of {BASE}",
                ratios[OURS] / ratios[BASE] if {OURS, BASE} <= ratios.keys() else None,
                at_most=BOUND,
            )
        ],
        {**field.failures, **most.failures, **measured.failures},
    )


def _offered(server: Server, rate: float, seconds: float) -> _Found:
    workload = server.contestant.workload
    requests = [encode(workload.path, body) for body in workload.bodies]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcomes = runner.run(offer(server.port, requests, arrivals("poisson", rate, seconds)))
    return _Found(rate, summarise(outcomes, seconds, OBJECTIVE_SECONDS))


def _row(name: str, found: Sequence[_Found], ratios: dict[str, float]) -> list[str]:
    if not found:
        return [name, *["-"] * (len(COLUMNS) - 1)]

    def median(key: str) -> str:
        return f"{statistics.median(getattr(one.summary, key) for one in found) * 1e3:.2f}"

    failed = sum(sum(one.summary.failures.values()) for one in found)
    times = [median("p50"), median("p99"), f"{ratios[name]:.1f}", median("lag_p99")]
    return [name, f"{found[0].rate:,.0f}", *times, str(failed)]
