"""How much later than predicted answers come is learnt, and forgotten."""

import pytest

from minibento.batching.slip import Slip


def test_answers_that_come_as_predicted_need_nothing_added() -> None:
    slip = Slip()
    for _ in range(50):
        slip.observe(0.0)
    assert slip.seconds == 0


def test_a_lasting_delay_is_added() -> None:
    slip = Slip()
    for _ in range(100):
        slip.observe(0.02)
    assert slip.seconds == pytest.approx(0.02, rel=0.01)


def test_what_varies_gets_room_for_most_of_it() -> None:
    slip = Slip()
    for number in range(200):
        slip.observe(0.03 if number % 2 else 0.01)
    assert 0.03 < slip.seconds < 0.05


def test_answers_that_come_early_take_nothing_away() -> None:
    slip = Slip()
    for _ in range(50):
        slip.observe(-1.0)
    assert slip.seconds < 0.01


def test_one_that_came_much_too_early_says_nothing_of_the_next() -> None:
    slip = Slip()
    for seconds in (-5.0, 0.0, 0.0):
        slip.observe(seconds)
        assert slip.seconds < 0.5


def test_one_stall_is_forgotten_within_fifty_batches() -> None:
    slip = Slip()
    slip.observe(5.0)
    assert slip.seconds > 1
    for _ in range(50):
        slip.observe(0.0)
    assert slip.seconds < 0.05
