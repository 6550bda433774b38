"""What a run of outcomes comes to; knows no clock and no socket."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.openloop.load import Outcome

__all__ = ["Summary", "percentile", "summarise"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Rates per second, times in seconds.

    Attributes:
        offered: Requests due per second.
        answered: Requests answered with 2xx per second of schedule.
        goodput: Those of them answered within the objective, counted from when they were due.
        p50, p90, p99: Latency from when a request was due, over all that were answered 2xx or not
            at all; one that never got an answer counts as infinitely late, a refusal (4xx, 5xx)
            is no latency and stands in `failures`.
        lag_p99: How late the generator itself was. Where it comes near the latencies, the
            machine was too busy to measure.
        failures: How many ended otherwise: `{"503": 12, "no answer": 1}`.
    """

    offered: float
    answered: float
    goodput: float
    p50: float
    p90: float
    p99: float
    lag_p99: float
    failures: dict[str, int]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0 to 1) of the values do not exceed."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def summarise(outcomes: Sequence[Outcome], seconds: float, objective: float) -> Summary:
    """Sum up a schedule of `seconds`; `objective` is the latency that still counts as good."""
    latencies: list[float] = []
    failures: Counter[str] = Counter()
    for outcome in outcomes:
        answered = 200 <= outcome.status < 300
        if not answered:
            failures[str(outcome.status) if outcome.status else "no answer"] += 1
        if answered or not outcome.status:
            latencies.append(outcome.done - outcome.due)
    return Summary(
        offered=len(outcomes) / seconds,
        answered=(len(outcomes) - failures.total()) / seconds,
        goodput=sum(latency <= objective for latency in latencies) / seconds,
        p50=percentile(latencies, 0.50),
        p90=percentile(latencies, 0.90),
        p99=percentile(latencies, 0.99),
        lag_p99=percentile([outcome.taken_up - outcome.due for outcome in outcomes], 0.99),
        failures=dict(failures),
    )
