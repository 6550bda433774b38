"""Learns how each child ended; waits for children itself, as nothing else here does."""

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Iterator

__all__ = ["Reaper", "in_words"]

_LOG = logging.getLogger("minibento")
# A worker may die before it has said its name, so the ends of processes that nobody has asked about
# are kept; not for long, for the kernel gives a number to another process some day.
_UNCLAIMED_SECONDS = 10.0


class Reaper:
    """Collects every child that ends, adopted ones too; one for a supervisor, on its loop.

    Args:
        loop: Of the supervisor.
        collected: Called with the process id of each.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, collected: Callable[[int], None] = lambda _: None
    ) -> None:
        self._loop = loop
        self._collected = collected
        self._awaited: dict[int, asyncio.Future[int]] = {}
        self._unclaimed: dict[int, int] = {}
        loop.add_signal_handler(signal.SIGCHLD, self._collect)

    def end_of(self, pid: int) -> "asyncio.Future[int]":
        """Resolves to the wait status of a child, once it has ended."""
        future = self._awaited.setdefault(pid, self._loop.create_future())
        if pid in self._unclaimed:
            self._settle(pid, self._unclaimed.pop(pid))
        return future

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Send a signal to a child that has not been collected: its number is still its own."""
        future = self._awaited.get(pid)
        if future is not None and not future.done():
            try:
                os.kill(pid, number)
            except PermissionError:
                _LOG.error("process %d is another user's by now and cannot be killed", pid)

    def close(self) -> None:
        """Collect no more."""
        self._loop.remove_signal_handler(signal.SIGCHLD)

    def _collect(self) -> None:
        for pid, status in _ended():
            self._collected(pid)
            if pid in self._awaited:
                self._settle(pid, status)
            else:
                self._unclaimed[pid] = status
                self._loop.call_later(_UNCLAIMED_SECONDS, self._unclaimed.pop, pid, None)

    def _settle(self, pid: int, status: int) -> None:
        future = self._awaited.pop(pid)
        if not future.done():
            future.set_result(status)


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def in_words(status: int | None) -> str:
    """How a process ended: `killed by SIGKILL`, `exit code 1`."""
    if status is None:
        return "vanished"
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
