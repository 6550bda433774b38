from itertools import pairwise

import pytest

from benchmarks.openloop.arrivals import arrivals


def test_poisson_arrivals_come_at_about_the_rate_and_in_order() -> None:
    moments = arrivals("poisson", 1000, 10)
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < 10
    assert len(moments) == pytest.approx(10_000, rel=0.05)


def test_poisson_gaps_vary_as_independent_arrivals_do() -> None:
    moments = arrivals("poisson", 1000, 10)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    short = sum(gap < 0.001 for gap in gaps) / len(gaps)
    assert short == pytest.approx(0.632, abs=0.03)  # 1 - 1/e


def test_the_same_seed_gives_the_same_arrivals() -> None:
    assert arrivals("poisson", 50, 2, seed=7) == arrivals("poisson", 50, 2, seed=7)
    assert arrivals("poisson", 50, 2, seed=7) != arrivals("poisson", 50, 2, seed=8)


def test_constant_arrivals_are_evenly_spaced() -> None:
    assert arrivals("constant", 4, 1) == [0.0, 0.25, 0.5, 0.75]


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0, got 0 and 1"):
        arrivals("constant", 0, 1)
