"""`breakpoint()` in a child of the supervisor: lends it the terminal while pdb asks; knows no more.

pdb's `set_trace` returns at once and asks when the next line runs, so the terminal is lent for each
prompt, not for the call.
"""

import bdb
import fcntl
import logging
import os
import pdb  # noqa: T100  # this is what `breakpoint()` runs
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

from minibento.processes.terminal import Terminal

__all__ = ["install"]

_LOG = logging.getLogger("minibento")


def install(debugging: Callable[[bool], None], lock: Path) -> None:
    """Make `breakpoint()` work in this process, a child of the supervisor in a group of its own.

    On the main thread, when the supervisor is the parent. Without a terminal, or where the server
    is not in its foreground, a breakpoint is passed over with a warning. PYTHONBREAKPOINT counts.

    Args:
        debugging: Told True before a prompt and False after it, on the thread that has reached the
            breakpoint, which may be the event loop's: what it tells must be told when it returns.
        lock: A file, for one prompt at a time among all processes of the server.
    """
    # Ctrl-Z at a prompt would stop this process only, with the terminal in its hands.
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    lender = os.getpgid(os.getppid())
    sys.breakpointhook = _Hook(_Prompt(debugging, lock, lender))


class _Prompt:
    """The way from a breakpoint to the terminal and back."""

    def __init__(self, debugging: Callable[[bool], None], lock: Path, lender: int) -> None:
        self._debugging = debugging
        self._lock = lock
        self._lender = lender

    def obstacle(self) -> str:
        """Why there can be no prompt now; "" if there can."""
        terminal = Terminal.controlling()
        if terminal is None:
            return "the server has no terminal"
        try:
            # Another breakpoint of the server may have the terminal: its turn will end.
            return "" if self._is_ours(terminal) or self._is_busy() else "it is in the background"
        finally:
            terminal.close()

    @contextmanager
    def held(self) -> Iterator[None]:
        """With the terminal, and standard input and output on it; waits for other prompts."""
        self._debugging(True)
        try:
            with self._lock.open("a") as turn, ExitStack() as undo:
                fcntl.flock(turn, fcntl.LOCK_EX)
                terminal = Terminal.controlling()
                if terminal is not None:
                    undo.callback(terminal.close)
                    undo.callback(terminal.give_back, self._lender)
                    terminal.take()
                    undo.enter_context(_standard_streams(terminal.descriptor))
                    undo.enter_context(_interruptible())
                yield
        finally:
            self._debugging(False)

    def _is_ours(self, terminal: Terminal) -> bool:
        return terminal.belongs_to(self._lender) or terminal.belongs_to(os.getpgrp())

    def _is_busy(self) -> bool:
        with self._lock.open("a") as turn:
            try:
                fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


class _Debugger(pdb.Pdb):
    """pdb that has the terminal while it asks."""

    def __init__(self, prompt: _Prompt, header: str | None) -> None:
        # Ctrl-C is ours to set: see _interruptible.
        super().__init__(nosigint=True)
        self._prompt = prompt
        self._header = header

    def interaction(self, *args: Any, **kwargs: Any) -> None:
        """Ask what to do."""
        with self._prompt.held():
            self.stdin, self.stdout = sys.stdin, sys.stdout
            if self._header is not None:
                self.message(self._header)
                self._header = None
            super().interaction(*args, **kwargs)


class _Hook:
    """What `breakpoint()` calls."""

    def __init__(self, prompt: _Prompt) -> None:
        self._prompt = prompt

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        wanted = os.environ.get("PYTHONBREAKPOINT", "")
        if wanted == "0":
            return None
        frame = sys._getframe(1)  # noqa: SLF001  # the documented way
        obstacle = self._prompt.obstacle()
        if obstacle:
            place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            _LOG.warning("breakpoint() at %s is passed over: %s", place, obstacle)
            return None
        if wanted not in {"", "pdb.set_trace"}:
            return self._other(frame, *args, **kwargs)
        # Last: whatever is called after it would be traced.
        return _Debugger(self._prompt, *args, **{"header": None} | kwargs).set_trace(frame)

    def _other(self, frame: FrameType, *args: Any, **kwargs: Any) -> Any:
        # Without a Python function of ours, and on one line: a debugger that stops at whatever
        # runs next must not stop in here.
        call = partial(sys.__breakpointhook__, *args, **kwargs)
        untrace: Callable[[], Any] = partial(sys.settrace, None)
        with self._prompt.held(), _as_from(frame, self._prompt):
            result, trace, _ = call(), sys.gettrace(), untrace()
        sys.settrace(trace)
        return result


@contextmanager
def _as_from(frame: FrameType, prompt: _Prompt) -> Iterator[None]:
    """Let other debuggers that build on Python's begin in `frame`, not in who called them: us."""
    set_trace: Any = bdb.Bdb.set_trace

    def begin(debugger: Any, *_: Any, **__: Any) -> None:
        _lend_each_time(debugger, prompt)
        set_trace(debugger, frame)

    bdb.Bdb.set_trace = begin  # type: ignore[assignment,method-assign]  # taken back below
    try:
        yield
    finally:
        bdb.Bdb.set_trace = set_trace  # type: ignore[method-assign]  # as it was


def _lend_each_time(debugger: Any, prompt: _Prompt) -> None:
    """Lend the terminal to another debugger whenever it asks."""
    ask = getattr(debugger, "interaction", None)
    if ask is None or getattr(ask, "lent", False):
        return

    def interaction(*args: Any, **kwargs: Any) -> Any:
        with prompt.held():
            debugger.stdin, debugger.stdout = sys.stdin, sys.stdout
            return ask(*args, **kwargs)

    interaction.lent = True  # type: ignore[attr-defined]  # a mark on our own function
    debugger.interaction = interaction


@contextmanager
def _standard_streams(terminal: int) -> Iterator[None]:
    """Standard input on the terminal, output too if it is on none; by number, as readline wants."""
    streams = sys.stdin, sys.stdout
    saved = {number: os.dup(number) for number in (0, 1) if not os.isatty(number)}
    for number in saved:
        os.dup2(terminal, number)
    try:
        with open(0, closefd=False) as stdin, open(1, "w", closefd=False, buffering=1) as stdout:
            sys.stdin, sys.stdout = stdin, stdout
            yield
    finally:
        sys.stdin, sys.stdout = streams
        for number, before in saved.items():
            os.dup2(before, number)
            os.close(before)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C bring the prompt back, in children that ignore it otherwise."""
    before = signal.getsignal(signal.SIGINT)
    if before is None or current_thread() is not main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
