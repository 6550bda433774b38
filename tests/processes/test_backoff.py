"""How long the successor of a dead worker waits."""

from minibento.processes.backoff import Backoff


def test_a_worker_that_answered_is_replaced_at_once() -> None:
    backoff = Backoff()
    assert [backoff.died(20.0 * n, answered=True) for n in range(20)] == [0.0] * 20


def test_a_worker_that_answers_nothing_waits_longer_each_time_up_to_30_seconds() -> None:
    backoff = Backoff()
    pauses = [backoff.died(100.0 * n, answered=False) for n in range(10)]
    assert pauses == [0, 0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_an_answer_in_between_forgets_the_failures() -> None:
    backoff = Backoff()
    for n in range(4):
        backoff.died(100.0 * n, answered=False)
    assert backoff.died(500.0, answered=True) == 0
    assert backoff.died(600.0, answered=False) == 0
    assert backoff.died(700.0, answered=False) == 0.5


def test_more_than_five_deaths_in_ten_seconds_count_whatever_was_answered() -> None:
    backoff = Backoff()
    pauses = [backoff.died(n * 1.0, answered=True) for n in range(8)]
    assert pauses == [0, 0, 0, 0, 0, 0, 0.5, 1]


def test_five_deaths_in_ten_seconds_are_accidents() -> None:
    backoff = Backoff()
    assert [backoff.died(n * 2.5, answered=True) for n in range(20)] == [0.0] * 20


def test_a_worker_that_died_computing_is_back_at_once_or_nearly() -> None:
    """An item may be to blame; and a start that fails afterwards waits as it did."""
    backoff = Backoff()
    pauses = [backoff.died(n * 0.1, answered=False, computing=True) for n in range(6)]
    assert pauses == [0, 0.1, 0.1, 0.1, 0.1, 0.1]
    assert backoff.died(1.0, answered=False) == 16


def test_a_pause_may_be_bounded() -> None:
    backoff = Backoff(1.0)
    pauses = [backoff.died(n * 1.0, answered=True) for n in range(12)]
    assert pauses == [0, 0, 0, 0, 0, 0, 0.5, 1, 1, 1, 1, 1]
