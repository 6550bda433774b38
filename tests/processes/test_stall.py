"""What is said of an event loop that does not turn."""

import asyncio
import logging
from collections.abc import Iterator
from threading import Event
from types import FunctionType

import pytest

from minibento.processes import stall
from minibento.processes.stall import Pulse, StallWatch, Verdict


class Life:
    """A pulse with a limit of 1 s, looked at every quarter of a second."""

    def __init__(self) -> None:
        self.now = 100.0
        self.pulse = Pulse(self.now, limit=1.0)

    def goes(
        self, seconds: float, *, turning: bool, debugging: bool = False, blind: bool = False
    ) -> list[Verdict]:
        said = []
        for _ in range(round(seconds * 4)):
            self.now += 0.25
            if turning:
                self.pulse.turn(self.now)
            said.append(self.pulse.look(self.now, debugging=debugging, blind=blind))
        return [verdict for verdict in said if verdict]


def test_a_loop_that_turns_is_not_spoken_of() -> None:
    assert Life().goes(60, turning=True) == []


def test_a_stall_is_told_once_and_its_end_once() -> None:
    life = Life()
    life.goes(1, turning=True)
    assert life.goes(10, turning=False) == [Verdict(1.0, over=False, told=False)]
    assert life.goes(10, turning=True) == [Verdict(10.25, over=True, told=True)]


def test_each_stall_is_told() -> None:
    life = Life()
    for _ in range(3):
        said = life.goes(2, turning=False) + life.goes(1, turning=True)
        assert [verdict.over for verdict in said] == [False, True]


def test_a_debugger_excuses_the_stall_it_makes_and_no_other() -> None:
    life = Life()
    assert life.goes(30, turning=False, debugging=True) == []
    # After `c` the same handler goes on: it is late because of the debugger.
    assert life.goes(1, turning=False) == []
    assert life.goes(1, turning=True) == []
    assert [verdict.over for verdict in life.goes(2, turning=False)] == [False]


def test_a_debugger_that_comes_into_a_stall_that_was_told_ends_the_talk() -> None:
    life = Life()
    assert len(life.goes(2, turning=False)) == 1
    assert life.goes(9, turning=False, debugging=True) == []
    assert life.goes(1, turning=True) == []


def test_who_could_not_look_tells_of_the_end_only() -> None:
    life = Life()
    life.now += 3
    assert life.pulse.look(life.now, debugging=False, blind=True) is None
    assert life.goes(1, turning=True) == [Verdict(3.25, over=True, told=False)]
    assert life.goes(1, turning=True) == []


def test_a_stall_that_goes_on_after_the_first_blind_look_is_told() -> None:
    life = Life()
    life.now += 3
    assert life.pulse.look(life.now, debugging=False, blind=True) is None
    assert life.goes(1, turning=False) == [Verdict(3.25, over=False, told=False)]


def test_a_short_stall_between_two_looks_is_not_spoken_of() -> None:
    life = Life()
    life.now += 1.1
    life.pulse.turn(life.now)
    assert life.goes(1, turning=True) == []


class Ear(logging.Handler):
    """Hears the log, and what it waits for."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []
        self.stalled, self.over = Event(), Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        message = record.getMessage()
        if "has not turned" in message:
            self.stalled.set()
        if "turns again" in message:
            self.over.set()


@pytest.fixture
def ear() -> Iterator[Ear]:
    heard = Ear()
    logger = logging.getLogger("minibento")
    logger.addHandler(heard)
    yield heard
    logger.removeHandler(heard)


def block(until: Event) -> None:
    assert until.wait(10)  # the blocking line


def test_the_lines_that_block_are_logged_with_how_long_and_that_it_is_over(ear: Ear) -> None:
    async def run() -> None:
        watch = StallWatch(limit=0.05, beat=0.01)
        watch.start()
        block(ear.stalled)
        assert await asyncio.to_thread(ear.over.wait, 10)
        watch.close()

    asyncio.run(run())
    stalled, over = (record for record in ear.records if "turn" in record.getMessage())
    assert "in block: assert until.wait(10)  # the blocking line" in stalled.getMessage()
    assert stalled.getMessage().startswith("the event loop has not turned for 0.")
    assert stalled.exc_text is not None
    head, first, *_ = stalled.exc_text.split("\n")
    assert head == "Stack of the event loop (most recent call last):"
    assert __file__ in first  # none of what called user code
    assert "threading.py" in stalled.exc_text  # but all that it called
    assert over.getMessage().startswith("the event loop turns again, after 0.")


def test_a_loop_that_only_waits_is_not_stalled(ear: Ear) -> None:
    looked = Event()

    def debugging() -> bool:
        counts.append(1)
        if len(counts) > 20:
            looked.set()
        return False

    counts: list[int] = []

    async def run() -> None:
        watch = StallWatch(debugging, limit=5, beat=0.005)
        watch.start()
        assert await asyncio.to_thread(looked.wait, 10)
        watch.close()

    asyncio.run(run())
    assert ear.records == []


def test_who_is_told_that_a_breakpoint_is_reached_says_nothing(ear: Ear) -> None:
    looks, enough = [0], Event()

    def debugging() -> bool:
        looks[0] += 1
        if looks[0] == 30:
            enough.set()
        return True

    async def run() -> None:
        watch = StallWatch(debugging, limit=0.02, beat=0.005)
        watch.start()
        block(enough)
        watch.close()

    asyncio.run(run())
    assert ear.records == []


@pytest.mark.parametrize("module", ["pdb", "bdb", "pydevd", "_pydevd_bundle.pydevd_frame"])
def test_a_debugger_is_recognised_by_its_place_on_the_stack(module: str) -> None:
    def prompt() -> bool:
        import sys

        return _in_debugger(sys._getframe())

    from minibento.processes.stall import _in_debugger

    assert not prompt()
    code = (lambda call: call()).__code__
    assert FunctionType(code, {"__name__": module})(prompt)


def test_a_loop_thread_that_has_gone_has_no_stack(ear: Ear) -> None:
    stall._say(Verdict(1.0, over=False, told=False), stall._stack(None))
    assert "it is in no user code" in ear.records[0].getMessage()
