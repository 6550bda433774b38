"""Who comes back after a batch, learned from finishes and arrivals."""

import pytest

from minibento.batching.returns import Returns


def closed_loop(returns: Returns, cycles: int, clients: int) -> float:
    """All clients come back 0.3 ms after each answer; a batch takes 20 ms. The last finish."""
    now = 0.0
    for _ in range(cycles):
        returns.finished(now, clients)
        returns.arrived(now + 0.0003, clients)
        now += 0.02
    returns.finished(now, clients)
    return now


def test_nothing_is_ahead_before_a_finish_was_followed_by_another() -> None:
    returns = Returns()
    assert not list(returns.ahead(1.0))
    returns.arrived(1.0, 3)
    returns.finished(1.1, 3)
    assert not list(returns.ahead(1.1))


def test_callers_of_a_closed_loop_are_expected_back_as_fast_as_they_turned_round() -> None:
    returns = Returns()
    now = closed_loop(returns, cycles=20, clients=16)
    ahead = {time - now: (above, back) for time, above, back in returns.ahead(now)}
    before = max(back for since, (_, back) in ahead.items() if since < 0.0003)
    after = min(since for since, (_, back) in ahead.items() if back > 15)
    assert before == 0.0
    assert after < 0.0004


def test_those_who_are_back_already_are_not_expected_again() -> None:
    returns = Returns()
    now = closed_loop(returns, cycles=20, clients=16)
    returns.arrived(now + 0.0001, 10)
    assert max(back for _, _, back in returns.ahead(now + 0.0001)) == pytest.approx(6, abs=0.2)


def test_nothing_of_a_steady_stream_is_above_it() -> None:
    returns = Returns()
    for tick in range(2000):
        returns.arrived(tick / 1000, 1)
        if tick % 20 == 19:
            returns.finished(tick / 1000 + 0.0005, 20)
    assert all(above < 1.0 for _, above, _ in returns.ahead(1.9995))


def test_long_after_a_finish_nobody_is_expected() -> None:
    returns = Returns()
    now = closed_loop(returns, cycles=20, clients=16)
    assert not list(returns.ahead(now + 0.2))


def test_callers_who_stay_away_are_forgotten_within_thirty_finishes() -> None:
    returns = Returns()
    now = closed_loop(returns, cycles=20, clients=16)
    for _ in range(30):
        now += 0.02
        returns.finished(now, 16)
    assert all(back < 1.0 for _, _, back in returns.ahead(now))
