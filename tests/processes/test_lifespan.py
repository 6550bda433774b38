"""When a worker has served long enough."""

import pytest

from minibento.processes.lifespan import Lifespan

MIB = 2**20


def test_without_limits_nobody_is_recycled() -> None:
    assert Lifespan().over(10**9, 10**15) is None


@pytest.mark.parametrize(
    ("served", "private", "limit", "words"),
    [
        (999, 299 * MIB, None, None),
        (1000, 0, "requests", "it has answered 1000 of 1000 requests"),
        (0, 300 * MIB, "memory", "it has 300 MiB of 300 MiB of memory"),
    ],
)
def test_a_life_is_over_when_a_limit_is_reached(
    served: int, private: int, limit: str | None, words: str | None
) -> None:
    over = Lifespan(1000, 300 * MIB).over(served, private)
    assert (over and over.limit, over and over.words) == (limit, words)


def test_workers_that_started_together_do_not_end_together() -> None:
    lives = [Lifespan(1000, 100 * MIB).of(number, 4) for number in range(4)]
    assert [one.max_requests for one in lives] == [1000, 975, 950, 925]
    assert len({one.max_memory for one in lives}) == 4


def test_the_smallest_limit_stays_one() -> None:
    assert Lifespan(1).of(1, 2) == Lifespan(1)
