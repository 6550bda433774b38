"""A batch that computes far past its callers' deadlines is found, told once, and forgiven."""

from collections.abc import Callable
from typing import Any

from minibento.batching.overrun import Overrun, Stuck
from minibento.batching.queue import Entry


class Timers:
    """A clock and a loop's timers that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.set: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> "Timer":
        entry = (self.now + delay, callback)
        self.set.append(entry)
        return Timer(lambda: self.set.remove(entry))

    def pass_to(self, now: float) -> None:
        self.now = now
        for entry in [one for one in self.set if one[0] <= now]:
            self.set.remove(entry)
            entry[1]()


class Timer:
    def __init__(self, cancel: Callable[[], None]) -> None:
        self.cancel = cancel


class Bench:
    def __init__(self) -> None:
        self.timers = Timers()
        self.found: list[Stuck] = []
        self.over: list[Stuck] = []
        self.overrun = Overrun(self.timers, self.timers, self.found.append, self.over.append)

    def begin(self, *deadlines: float | None) -> None:
        batch: list[Any] = [Entry(None, None, one, lambda _: None) for one in deadlines]
        self.overrun.begin("model.predict", batch, self.timers.now)


def test_a_batch_is_stuck_half_a_second_past_its_last_deadline() -> None:
    bench = Bench()
    bench.begin(101.0, 103.0)
    bench.timers.now = 103.5
    assert bench.overrun.stuck() is None
    bench.timers.now = 103.6
    stuck = bench.overrun.stuck()
    assert stuck is not None
    assert str(stuck) == "model.predict has been computing one batch for 3.6 s"


def test_with_a_caller_without_deadline_a_batch_is_stuck_after_60_seconds() -> None:
    bench = Bench()
    bench.begin(101.0, None)
    bench.timers.now = 160.0
    assert bench.overrun.stuck() is None
    bench.timers.now = 160.1
    assert bench.overrun.stuck() is not None


def test_it_is_told_once_without_being_asked_and_once_more_when_it_is_over() -> None:
    bench = Bench()
    bench.begin(101.0)
    bench.timers.pass_to(102.0)
    assert [one.method for one in bench.found] == ["model.predict"]
    bench.overrun.stuck()
    bench.timers.pass_to(1000.0)
    assert len(bench.found) == 1
    assert bench.over == []
    bench.overrun.end()
    assert bench.over == [Stuck("model.predict", 900.0)]
    assert bench.overrun.stuck() is None


def test_a_batch_that_ends_in_time_is_never_told() -> None:
    bench = Bench()
    bench.begin(101.0)
    bench.overrun.end()
    bench.timers.pass_to(200.0)
    assert (bench.found, bench.over, bench.timers.set) == ([], [], [])


def test_one_timer_serves_many_batches() -> None:
    bench = Bench()
    for index in range(100):
        bench.begin(110.0 + index)
        bench.overrun.end()
    assert len(bench.timers.set) == 1
    bench.begin(300.0)
    bench.timers.pass_to(200.0)
    assert bench.found == []
    bench.timers.pass_to(301.0)
    assert len(bench.found) == 1


def test_a_shorter_deadline_brings_the_timer_forward() -> None:
    bench = Bench()
    bench.begin(500.0)
    bench.overrun.end()
    bench.begin(101.0)
    bench.timers.pass_to(102.0)
    assert len(bench.found) == 1


def test_closed_it_leaves_no_timer() -> None:
    bench = Bench()
    bench.begin(101.0)
    bench.overrun.close()
    assert bench.timers.set == []
