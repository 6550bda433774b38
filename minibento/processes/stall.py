"""Says which lines keep an event loop from turning; knows no services and no supervisor."""

import asyncio
import linecache
import logging
import os
import sys
import sysconfig
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread, get_ident
from types import FrameType

from minibento.log import with_traceback

__all__ = ["Pulse", "StallWatch", "Verdict"]

_LOG = logging.getLogger("minibento")
_BEAT = 0.25
_LIMIT = 1.0
# A debugger at its prompt is in one of these; they do not tell it in any other way that holds for
# a thread that is not their own.
_DEBUGGERS = ("bdb", "pdb", "pydevd", "_pydevd_bundle", "debugpy")
_INSTALLED = (f"{sysconfig.get_path('stdlib')}{os.sep}", f"{Path(__file__).parents[1]}{os.sep}")


@dataclass(frozen=True)
class Verdict:
    """What is to be said now.

    Attributes:
        seconds: How long the loop has not turned.
        over: Whether it turns again.
        told: Whether its being stalled was said before.
    """

    seconds: float
    over: bool
    told: bool


class Pulse:
    """When the loop last turned, and what that means; all of it pure, times are arguments."""

    def __init__(self, now: float, limit: float) -> None:
        self._limit = limit
        self._turned = now
        self._longest = 0.0
        self._told = self._excused = self._blind = False

    def turn(self, now: float) -> None:
        """The loop turns (on the loop)."""
        self._longest = max(self._longest, now - self._turned)
        self._turned = now

    def look(self, now: float, *, debugging: bool, blind: bool) -> Verdict | None:
        """What there is to say (on another thread).

        Args:
            now: The time.
            debugging: Whether a debugger holds the loop: that stall is nobody's fault.
            blind: Whether the one who looks was itself kept from looking, and sees nobody to blame:
                what stopped both (a computer that slept, a call that keeps the interpreter to
                itself) may have just let go.
        """
        self._excused |= debugging
        self._blind |= blind
        ended, self._longest = self._longest, 0.0
        lasts = now - self._turned
        verdict = None
        if ended >= self._limit and not self._excused and (self._told or self._blind):
            verdict = Verdict(ended, over=True, told=self._told)
        elif lasts >= self._limit and not (self._told or self._excused or blind):
            self._told = True
            return Verdict(lasts, over=False, told=False)
        if ended >= self._limit or lasts < self._limit:
            self._told = False
            self._excused, self._blind = debugging, False
        return verdict


class StallWatch:
    """Logs once what blocks the running loop for longer than `limit` seconds, and when it is over.

    To be made and started on the loop.
    """

    def __init__(
        self,
        debugging: Callable[[], bool] = lambda: False,
        limit: float = _LIMIT,
        beat: float = _BEAT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            debugging: Whether `breakpoint()` has the terminal. Debuggers started otherwise are
                recognised by their place on the stack.
            limit: From how long on it is worth a line.
            beat: Between two looks.
            clock: Seconds, rising.
        """
        self._debugging = debugging
        self._beat = beat
        self._clock = clock
        self._pulse = Pulse(clock(), limit)
        self._stop = Event()
        self._loop = asyncio.get_running_loop()
        self._of_loop = get_ident()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Watch from now on."""
        self._turn()
        Thread(target=self._watch, name="minibento-stall-watch", daemon=True).start()

    def close(self) -> None:
        """Watch no more; on the loop."""
        self._stop.set()
        if self._timer is not None:
            self._timer.cancel()

    def _turn(self) -> None:
        self._pulse.turn(self._clock())
        self._timer = self._loop.call_later(self._beat, self._turn)

    def _watch(self) -> None:
        last = self._clock()
        while not self._stop.wait(self._beat):
            now = self._clock()
            frame = sys._current_frames().get(self._of_loop)  # noqa: SLF001  # the documented way
            debugging = self._debugging() or _in_debugger(frame)
            blind = now - last > 2 * self._beat and not _users(_stack(frame))
            last = now
            verdict = self._pulse.look(now, debugging=debugging, blind=blind)
            if verdict is not None:
                _say(verdict, _stack(frame))
            # Frames hold what their functions hold.
            del frame


def _say(verdict: Verdict, stack: traceback.StackSummary) -> None:
    seconds = f"{verdict.seconds:.1f} s"
    if verdict.over and verdict.told:
        _LOG.warning("the event loop turns again, after %s", seconds)
    elif verdict.over:
        _LOG.warning(
            "the event loop did not turn for %s, and nothing else in this process did anything: "
            "a call that keeps the interpreter to itself, or the process was stopped",
            seconds,
        )
    else:
        message = (
            f"the event loop has not turned for {seconds}: {_place(stack)}; no other request is "
            "answered meanwhile (mend: make the method `def` instead of `async def`, or use "
            "`await asyncio.to_thread(...)`)"
        )
        with_traceback(_LOG, logging.WARNING, message, _text(stack))


def _stack(frame: FrameType | None) -> traceback.StackSummary:
    """From the outermost call on."""
    linecache.checkcache()
    return traceback.extract_stack(frame) if frame is not None else traceback.StackSummary()


def _users(stack: traceback.StackSummary) -> list[int]:
    """Where in the stack user code is: not what came with Python, a package or ourselves, nor what
    stands in no file.
    """
    return [
        index
        for index, line in enumerate(stack)
        if not line.filename.startswith((*_INSTALLED, "<"))
        and not {"site-packages", "dist-packages"} & set(Path(line.filename).parts)
    ]


def _place(stack: traceback.StackSummary) -> str:
    users = _users(stack)
    if not users:
        return "it is in no user code"
    line = stack[users[-1]]
    return f"{line.filename}:{line.lineno} in {line.name}: {line.line}"


def _text(stack: traceback.StackSummary) -> str:
    begin = next(iter(_users(stack)), 0)
    lines = traceback.StackSummary.from_list(stack[begin:]).format()
    return "Stack of the event loop (most recent call last):\n" + "".join(lines).rstrip()


def _in_debugger(frame: FrameType | None) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__")).partition(".")[0] in _DEBUGGERS:
            return True
        frame = frame.f_back
    return False
