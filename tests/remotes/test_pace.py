"""When an answer is given up, and how long one waits before asking again, on a clock of its own."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from minibento.errors import RemoteError
from minibento.remotes.pace import Pace, Patience, pause

PATIENCE = Patience(window=30, slowest=1000, first_pause=0.5, longest_pause=60)


def test_who_sends_little_for_a_whole_window_is_given_up() -> None:
    now = [0.0]
    pace = Pace("it", PATIENCE, lambda: now[0])
    for _ in range(3):
        now[0] += 10
        if now[0] < 30:
            pace.moved(1)
    with pytest.raises(RemoteError, match="3 bytes in 30 s"):
        pace.moved(1)


def test_who_is_fast_enough_may_go_on_for_ever() -> None:
    now = [0.0]
    pace = Pace("it", PATIENCE, lambda: now[0])
    for _ in range(1000):
        now[0] += 10
        pace.moved(10_001)


def test_pauses_double_up_to_the_longest() -> None:
    assert [pause(PATIENCE, failed, None) for failed in (1, 2, 3, 20)] == [0.5, 1, 2, 60]


def test_what_the_registry_asks_for_is_heeded() -> None:
    assert pause(PATIENCE, 1, "7") == 7
    assert pause(PATIENCE, 4, "0") == 4
    in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3500 < pause(PATIENCE, 1, in_an_hour) <= 3600
    assert pause(PATIENCE, 1, "soon") == 0.5
    assert pause(PATIENCE, 1, "-5") == 0.5
