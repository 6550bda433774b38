"""How long something usually takes is learnt, and how wrong that is."""

import pytest

from minibento.asgi.duration import Duration


def test_what_always_takes_as_long_is_known_after_the_first() -> None:
    duration = Duration()
    assert duration.seconds == 0
    for _ in range(3):
        duration.observe(2.0)
        assert duration.seconds == pytest.approx(2.0)


def test_most_take_no_longer_where_some_take_much_longer_than_others() -> None:
    duration = Duration()
    for _ in range(100):
        duration.observe(1.0)
        duration.observe(3.0)
    assert 1.5 < duration.mean < 2.5
    assert duration.seconds > 2.5


def test_a_long_one_is_forgotten() -> None:
    duration = Duration()
    duration.observe(30.0)
    for _ in range(200):
        duration.observe(0.1)
    assert duration.seconds < 0.2


def test_a_function_is_observed_whether_it_returns_or_raises() -> None:
    returning, raising = Duration(), Duration()
    assert returning.timed(divmod)(7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        raising.timed(divmod)(7, 0)
    assert 0 < returning.seconds < 10
    assert 0 < raising.seconds < 10
