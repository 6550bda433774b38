"""When a worker counts as dead."""

import math

import pytest

from minibento.processes.verdict import API_SILENCE, RUNNER_SILENCE, verdict
from minibento.processes.vitals import Vitals


def idle(beat: float) -> Vitals:
    return Vitals(beat, 0, 0, None, math.inf, 0)


def computing(beat: float, since: float, until: float) -> Vitals:
    return Vitals(beat, 1, 0, since, until, 0)


def test_an_idle_worker_that_beats_is_well() -> None:
    assert verdict(idle(100.0), 100.9, RUNNER_SILENCE, stopped=False) is None


def test_an_idle_runner_worker_is_dead_after_a_second_of_silence() -> None:
    said = verdict(idle(100.0), 101.1, RUNNER_SILENCE, stopped=False)
    assert said == "it has been silent for 1.1 s"


def test_an_api_worker_may_be_blocked_for_30_seconds() -> None:
    assert verdict(idle(100.0), 129.0, API_SILENCE, stopped=False) is None
    assert verdict(idle(100.0), 131.0, API_SILENCE, stopped=False) is not None


def test_a_silent_worker_that_computes_is_left_alone_until_its_batch_counts_as_stuck() -> None:
    vitals = computing(beat=90.0, since=90.1, until=120.5)
    assert verdict(vitals, 120.4, RUNNER_SILENCE, stopped=False) is None
    said = verdict(vitals, 120.6, RUNNER_SILENCE, stopped=False)
    assert said == "it has been computing one batch for 30.5 s, past all deadlines"


def test_a_worker_that_beats_while_its_batch_is_stuck_is_dead_too() -> None:
    vitals = computing(beat=120.5, since=90.1, until=120.5)
    assert verdict(vitals, 120.6, RUNNER_SILENCE, stopped=False) is not None


@pytest.mark.parametrize("vitals", [idle(100.0), computing(100.0, 99.0, 200.0)])
def test_a_stopped_worker_is_dead_at_once(vitals: Vitals) -> None:
    said = verdict(vitals, 100.0, RUNNER_SILENCE, stopped=True)
    assert said == "it was stopped by a signal"


def test_a_silent_worker_that_uses_its_processor_is_left_alone_for_longer() -> None:
    assert verdict(idle(100.0), 110.0, RUNNER_SILENCE, stopped=False, working=True) is None
    said = verdict(idle(100.0), 131.0, RUNNER_SILENCE, stopped=False, working=True)
    assert said == "it has been silent for 31.0 s"
