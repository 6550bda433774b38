import math

import pytest

from benchmarks.openloop.load import Outcome
from benchmarks.openloop.summary import percentile, summarise


def outcome(due: float, latency: float, status: int = 200) -> Outcome:
    return Outcome(due=due, taken_up=due, done=due + latency, status=status)


def test_a_percentile_is_a_value_that_occurred() -> None:
    assert percentile([5.0, 1.0, 3.0], 0.5) == 3.0
    assert percentile([float(number) for number in range(1, 101)], 0.99) == 99.0
    assert percentile([2.0], 0.0) == 2.0
    assert math.isnan(percentile([], 0.5))


def test_goodput_counts_right_answers_within_the_objective() -> None:
    found = summarise([outcome(0, 0.01), outcome(1, 0.09), outcome(1, 0.2)], 2.0, 0.1)
    assert (found.offered, found.answered, found.goodput) == (1.5, 1.5, 1.0)
    assert found.failures == {}


def test_a_fast_refusal_is_neither_good_nor_a_latency() -> None:
    found = summarise([outcome(0, 0.05), outcome(0, 0.001, status=503)], 1.0, 0.1)
    assert found.goodput == 1.0
    assert found.p50 == pytest.approx(0.05)
    assert found.failures == {"503": 1}


def test_a_request_that_was_never_answered_is_infinitely_late() -> None:
    found = summarise([outcome(0, 0.05), Outcome(due=0.5, taken_up=0.5)], 1.0, 0.1)
    assert found.p99 == math.inf
    assert found.failures == {"no answer": 1}


def test_the_generators_own_lateness_is_reported() -> None:
    late = Outcome(due=0.0, taken_up=0.02, done=0.03, status=200)
    assert summarise([late], 1.0, 0.1).lag_p99 == pytest.approx(0.02)
