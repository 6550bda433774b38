"""What one lone client waits more than if it called the light model itself."""

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial

from benchmarks.closed_loop import load
from benchmarks.contestants import model_servers, noop_servers
from benchmarks.field import running
from benchmarks.half_load import half_load
from benchmarks.openloop.summary import percentile
from benchmarks.report import Goal, Report
from benchmarks.rounds import Measured, interleave
from benchmarks.server import Contestant, Server
from benchmarks.settings import Settings
from benchmarks.workplace import Workplace

__all__ = ["run"]

DIRECT = "in-process call"
NO_MODEL = "starlette without a model"
IN_A_ROUTE = "starlette"
OURS = "minibento"
PROCESSES = "processes"
BOUND_MS = 0.15
PROCESSES_BOUND_MS = 0.3


def run(settings: Settings) -> list[Report]:
    """p50 at one connection against the call alone and in a bare route; then p99 at half load."""
    contestants = model_servers(settings.place, "light")
    measured, failures = _measure(contestants, settings)
    medians = {case: statistics.median(found) * 1e3 for case, found in measured.figures.items()}

    def added(case: str, base: str) -> float | None:
        return medians[case] - medians[base] if case in medians and base in medians else None

    bases = (DIRECT, IN_A_ROUTE)
    cases = [DIRECT, NO_MODEL, *(one.name for one in contestants)]
    return [
        Report(
            "Latency of one client, light model",
            f"p50 at 1 connection (wrk), medians of {settings.rounds} interleaved rounds of "
            f"{settings.seconds} s; `{IN_A_ROUTE}` calls the model in its route.",
            ["case", "p50 ms", *(f"added to {base}, ms" for base in bases)],
            [
                [case, _shown(medians.get(case)), *(_shown(added(case, base)) for base in bases)]
                for case in cases
            ],
            [
                Goal(f"{OURS} over {base}", added(OURS, base), at_most=BOUND_MS, unit=" ms")
                for base in bases
            ]
            + [
                Goal(
                    f"{PROCESSES} over {DIRECT}",
                    added(PROCESSES, DIRECT),
                    at_most=PROCESSES_BOUND_MS,
                    unit=" ms",
                )
            ],
            {**failures, **measured.failures},
        ),
        half_load(settings),
    ]


def _measure(
    contestants: Sequence[Contestant], settings: Settings
) -> tuple[Measured[str, float], dict[str, str]]:
    place = settings.place
    floor = next(one for one in noop_servers(place) if one.name == IN_A_ROUTE)
    with (
        running(contestants, place.directory) as field,
        Server(floor, place.directory) as no_model,
    ):
        servers = {NO_MODEL: no_model, **field.servers}
        measure: dict[str, Callable[[], float]] = {
            DIRECT: partial(_direct, place, settings.seconds),
            **{name: partial(_over_http, server, settings) for name, server in servers.items()},
        }
        return (
            interleave(list(measure), settings.rounds, lambda case: measure[case]()),
            field.failures,
        )


def _over_http(server: Server, settings: Settings) -> float:
    return load(server, 1, settings.seconds, settings).p50


def _direct(place: Workplace, seconds: float) -> float:
    """The call itself, on rows in turn, on one thread as in the servers."""
    from threadpoolctl import threadpool_limits

    model = place.models["light"]
    took: list[float] = []
    end = time.perf_counter() + seconds
    with threadpool_limits(1):
        while (start := time.perf_counter()) < end:
            model.predict_proba([place.rows[len(took) % len(place.rows)]])
            took.append(time.perf_counter() - start)
    return percentile(took, 0.5)


def _shown(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.3f}"
