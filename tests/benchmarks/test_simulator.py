"""The simulator's own parts, and the figures that the policy must not fall below."""

import itertools
import math
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.simulator.arrivals import bursty, poisson
from benchmarks.simulator.engine import LOOP_TURN, Server, fire_at, open_loop
from benchmarks.simulator.figures import rows
from benchmarks.simulator.oracle import most_in_time
from benchmarks.simulator.scenarios import MODELS
from minibento.batching.policy import Greedy


def best_by_trying(arrivals: Sequence[float], fixed: float, each: float, objective: float) -> int:
    """The most in time over every subset of the items and every cut of it into batches."""
    best = 0
    for size in range(len(arrivals), 0, -1):
        for kept in itertools.combinations(arrivals, size):
            for cuts in itertools.product((False, True), repeat=size - 1):
                ends = [at for at, cut in enumerate(cuts, 1) if cut] + [size]
                free, begin, answered = 0.0, 0, 0
                for end in ends:
                    free = max(free, kept[end - 1]) + fixed + each * (end - begin)
                    answered += sum(free <= kept[at] + objective for at in range(begin, end))
                    begin = end
                best = max(best, answered)
    return best


@pytest.mark.parametrize("seed", range(40))
def test_the_oracle_finds_what_trying_everything_finds(seed: int) -> None:
    chance = random.Random(seed)
    arrivals = sorted(chance.uniform(0, 0.1) for _ in range(6))
    fixed, each = chance.uniform(0, 0.03), chance.uniform(0, 0.02)
    objective = chance.uniform(0.02, 0.08)
    expected = best_by_trying(arrivals, fixed, each, objective)
    assert most_in_time(arrivals, lambda n: fixed + each * n, objective, 6) == expected


def test_the_oracle_finds_the_same_when_told_what_some_schedule_reaches() -> None:
    model = MODELS[-1]
    arrivals = poisson(1.2 * model.capacity, 100, seed=1)
    free = most_in_time(arrivals, model.seconds, model.objective, 128)
    told = most_in_time(arrivals, model.seconds, model.objective, 128, at_least=free)
    assert free == told < 100


@pytest.mark.parametrize("traffic", [poisson, bursty])
def test_arrivals_have_the_rate_asked_for_and_are_the_same_for_a_seed(
    traffic: Callable[[float, int, int], list[float]],
) -> None:
    times = traffic(100.0, 20_000, 1)
    assert times == sorted(times) == traffic(100.0, 20_000, 1)
    assert 20_000 / times[-1] == pytest.approx(100.0, rel=0.1)


def test_timers_fire_on_whole_milliseconds_and_past_ones_after_a_loop_turn() -> None:
    assert fire_at(1.0, 0.5) == 1.0 + LOOP_TURN
    assert fire_at(1.0, 1.0 + 1e-15) == pytest.approx(1.001)
    assert fire_at(1.0, 1.0012) == pytest.approx(1.002)
    assert fire_at(1.0, math.inf) == math.inf


def test_every_item_of_a_trace_is_answered_or_shed_once() -> None:
    arrivals = poisson(300.0, 200, seed=3)
    server = Server(Greedy(8), lambda n: 0.005 + 0.005 * n, patience=0.1)
    lives = open_loop(server, arrivals)
    assert sorted(life.arrival for life in lives) == arrivals
    assert 0 < sum(life.end == math.inf for life in lives) < 200


def test_the_policy_reaches_its_figures() -> None:
    with ThreadPoolExecutor(1) as executor:
        missed = [row for row in rows(range(3), executor, quick=True) if not row.reached]
    assert not missed
