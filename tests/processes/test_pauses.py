"""How much more time a batch has that computed while nobody looked."""

import math

from minibento.processes.pauses import Pauses
from minibento.processes.vitals import Vitals


def computing(since: float | None, until: float = math.inf) -> Vitals:
    return Vitals(since or 0.0, 1, 0, since, until, 0)


def test_who_is_looked_at_all_the_time_is_excused_nothing() -> None:
    pauses, batch = Pauses(), computing(10.0, 12.0)
    assert {pauses.excused(batch, 10.0 + 0.25 * turn).until for turn in range(20)} == {12.0}


def test_a_batch_is_excused_for_the_time_that_nobody_looked() -> None:
    pauses, batch = Pauses(), computing(10.0, 12.0)
    pauses.excused(batch, 11.0)
    assert pauses.excused(batch, 31.0).until == 32.0
    assert pauses.excused(batch, 31.25).until == 32.0
    # And once more.
    assert pauses.excused(batch, 41.25).until == 42.0


def test_one_that_began_right_before_is_excused_since_then() -> None:
    pauses = Pauses()
    pauses.excused(computing(None), 10.0)
    assert pauses.excused(computing(10.2, 12.0), 30.0).until == 12.0 + 19.8


def test_the_next_batch_is_excused_nothing() -> None:
    pauses = Pauses()
    pauses.excused(computing(10.0, 12.0), 11.0)
    pauses.excused(computing(10.0, 12.0), 31.0)
    assert pauses.excused(computing(31.1, 33.0), 31.25).until == 33.0
