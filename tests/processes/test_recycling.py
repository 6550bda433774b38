"""Which worker is followed by a fresh one, and when; with slots that only note what they hear."""

import logging
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from minibento.processes.lifespan import Lifespan, Over
from minibento.processes.supervisor import recycling
from minibento.processes.supervisor.recycling import Recycling

MIB = 2**20


@dataclass
class Vitals:
    served: int = 0


@dataclass(eq=False)
class Process:
    since: float
    vitals: Vitals = field(default_factory=Vitals)
    resident: int = 0
    private: int = 0
    fresh_bytes: int = 0
    is_ready: bool = True
    debugging: bool = False
    title: str = "runner-worker-model-0"

    @property
    def pid(self) -> "Process":
        return self


@dataclass
class Slot:
    number: int
    process: Process | None
    recycling: bool = False
    overs: list[Over] = field(default_factory=list)

    def recycle(self, over: Over) -> None:
        self.overs.append(over)
        self.recycling = True


class Bench:
    """Two slots with a worker each, the second the older one, and who looks at them."""

    def __init__(self, lifespan: Lifespan, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workers = [Process(2.0), Process(1.0)]
        self.slots = [Slot(number, one) for number, one in enumerate(self.workers)]
        self.counted = 0
        self.count_seconds = 0.0
        self._now = 100.0
        clock = SimpleNamespace(monotonic=lambda: self._now)
        monkeypatch.setattr("minibento.processes.supervisor.recycling.time", clock)
        monkeypatch.setattr(recycling, "resident_bytes", lambda process: process.resident)
        monkeypatch.setattr(recycling, "private_bytes", self._private)
        self._recycling = Recycling(lifespan, cast("Any", self.slots))

    def look(self, after: float = 1.0) -> list[int]:
        """The slots that are told something."""
        before = [len(slot.overs) for slot in self.slots]
        self._now += after
        self._recycling.look(self._now)
        pairs = zip(self.slots, before, strict=True)
        return [slot.number for slot, count in pairs if len(slot.overs) > count]

    def _private(self, process: Process) -> int:
        self.counted += 1
        self._now += self.count_seconds
        return process.private


def test_the_oldest_goes_first_and_one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(Lifespan(max_requests=10), monkeypatch)
    assert bench.look() == []
    for worker in bench.workers:
        worker.vitals.served = 10
    assert bench.look() == [1]
    assert bench.look() == []
    bench.slots[1].recycling = False
    bench.slots[1].process = Process(3.0)
    assert bench.look() == [0]


def test_who_is_not_ready_or_in_a_debugger_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(Lifespan(max_requests=10), monkeypatch)
    first, second = bench.workers
    first.vitals.served = second.vitals.served = 10
    first.is_ready, second.debugging = False, True
    assert bench.look() == []
    bench.slots[0].process, second.debugging = None, False
    assert bench.look() == [1]


def test_memory_is_counted_exactly_only_where_it_may_be_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case F17."""
    bench = Bench(Lifespan(max_memory=100 * MIB), monkeypatch)
    worker = bench.workers[0]
    worker.resident = 99 * MIB
    assert (bench.look(), bench.counted) == ([], 0)
    # Much of it is shared with others.
    worker.resident, worker.private = 300 * MIB, 99 * MIB
    assert (bench.look(), bench.counted) == ([], 1)
    worker.private = 100 * MIB
    assert (bench.look(), bench.counted) == ([0], 2)
    assert bench.slots[0].overs == [Over("memory", "it has 100 MiB of 100 MiB of memory")]


def test_a_count_that_takes_long_is_made_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(Lifespan(max_memory=100 * MIB), monkeypatch)
    bench.workers[0].resident = 300 * MIB
    bench.count_seconds = 0.5
    bench.look()
    bench.look(9.0)
    assert bench.counted == 1
    bench.look(2.0)
    assert bench.counted == 2


def test_who_had_as_much_when_it_was_fresh_is_left_alone_and_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(Lifespan(max_memory=100 * MIB), monkeypatch)
    for worker in bench.workers:
        worker.resident = worker.private = worker.fresh_bytes = 200 * MIB
    with caplog.at_level(logging.WARNING):
        assert bench.look() + bench.look() == []
    assert len(caplog.records) == 1
    assert "raise max_memory" in caplog.text
