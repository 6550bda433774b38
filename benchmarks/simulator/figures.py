"""The figures the policy has to reach, measured over many seeds; knows no event and no queue."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from statistics import median

from benchmarks.simulator.engine import MILLISECOND
from benchmarks.simulator.scenarios import MODELS, TRACES, Closed, Open, Quiet

__all__ = [
    "LEAST_CLOSED",
    "LEAST_OF_ALONE",
    "LEAST_OF_ORACLE",
    "LEAST_UNTIMED",
    "MOST_ADDED",
    "Row",
    "rows",
]

LEAST_OF_ORACLE = 0.9  # Median share of the oracle's items in time.
LEAST_OF_ALONE = 0.99  # Share of no batching's items in time, on every trace.
LEAST_CLOSED = 0.95  # Median share of the better of greedy and wait-for-all ...
LEAST_UNTIMED = 0.93  # ... and where the fixed cost is below a timer's millisecond: no waits there.
MOST_ADDED = 0.01  # Median wait added at low load, as a share of a lone item's compute.

LOADS = (0.1, 0.3, 0.5, 0.7, 0.9, 1.0, 1.1, 1.2)
CLIENTS = (1, 2, 8, 32, 128)
THINK = (0.0, 0.002)


@dataclass(frozen=True, slots=True)
class Row:
    """One scenario: what it is, the medians to print, and whether the figures are reached."""

    kind: str
    name: str
    numbers: dict[str, float]
    reached: bool


def rows(seeds: Sequence[int], executor: Executor, *, quick: bool = False) -> Iterator[Row]:
    """Every scenario over `seeds`; `quick` takes a third of them."""
    loads, clients = (LOADS[::3], CLIENTS[1::2]) if quick else (LOADS, CLIENTS)
    for model in MODELS:
        for traffic in TRACES:
            yield quiet(Quiet(model, traffic), seeds, executor)
            for load in loads:
                yield open_(Open(model, traffic, load), seeds, executor)
    for model in MODELS:
        if model.name.endswith("tight"):  # No deadline here, so the objective changes little.
            continue
        for think in THINK:
            for count in clients:
                yield closed(Closed(model, count, think), seeds, executor)


def quiet(scenario: Quiet, seeds: Sequence[int], executor: Executor) -> Row:
    """The wait added where nothing more is on its way."""
    added = [seconds * 1e3 for seconds in executor.map(scenario.run, seeds)]
    numbers = {"added ms": median(added), "worst": max(added)}
    reached = median(added) <= MOST_ADDED * scenario.model.seconds(1) * 1e3
    return Row("low load", f"{scenario.model.name}, {scenario.traffic}", numbers, reached)


def open_(scenario: Open, seeds: Sequence[int], executor: Executor) -> Row:
    """Goodput against the oracle, greedy and no batching."""
    scores = list(executor.map(scenario.run, seeds))
    of_oracle = [score.policy / score.oracle for score in scores]
    of_alone = min(score.policy / max(1, score.alone) for score in scores)
    numbers = {
        "of oracle": median(of_oracle),
        "worst": min(of_oracle),
        "greedy of oracle": median(score.greedy / score.oracle for score in scores),
        "least of alone": of_alone,
        "mean ms": 1e3 * median(score.latency for score in scores),
        "greedy ms": 1e3 * median(score.greedy_latency for score in scores),
    }
    reached = median(of_oracle) >= LEAST_OF_ORACLE and of_alone >= LEAST_OF_ALONE
    name = f"{scenario.model.name}, {scenario.traffic} {scenario.load:.0%}"
    return Row("open loop", name, numbers, reached)


def closed(scenario: Closed, seeds: Sequence[int], executor: Executor) -> Row:
    """Throughput against greedy and wait-for-all."""
    rates = list(executor.map(scenario.run, seeds))
    shares = [rate.policy / max(rate.greedy, rate.all) for rate in rates]
    numbers = {
        "of better": median(shares),
        "worst": min(shares),
        "policy /s": median(rate.policy for rate in rates),
        "greedy /s": median(rate.greedy for rate in rates),
        "all /s": median(rate.all for rate in rates),
    }
    name = f"{scenario.model.name}, {scenario.clients} clients, think {scenario.think * 1e3:.0f} ms"
    least = LEAST_CLOSED if scenario.model.fixed >= MILLISECOND else LEAST_UNTIMED
    return Row("closed loop", name, numbers, median(shares) >= least)
