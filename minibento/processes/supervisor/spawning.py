"""Starts a fresh child process that shares one descriptor with the supervisor; knows no meaning."""

import os
import select
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Blank", "blank"]

_MODULE = "minibento.processes.child"


class Blank(NamedTuple):
    """A child that waits for its first document; it ends when our end of the connection is closed.

    Attributes:
        pid: Its process id.
        channel: Our end.
    """

    pid: int
    channel: socket.socket

    @property
    def waits(self) -> bool:
        """Whether it is still there."""
        poll = select.poll()
        poll.register(self.channel, 0)  # a hang-up is told all the same
        return not poll.poll(0)


def blank(
    environment: Mapping[str, str], *, terminal: bool, kind: str = "", python: Path | None = None
) -> Blank:
    """Start a child that has not been told yet what to be.

    Args:
        environment: All of its variables.
        terminal: Whether it keeps the terminal's input, for a debugger.
        kind: What it will be, if that is known: it imports what each of that kind needs.
        python: Its interpreter, if not our own.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        theirs.set_inheritable(True)
        actions: list[tuple[Any, ...]] = []
        if not terminal:
            actions.append((os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0))
        interpreter = sys.executable if python is None else str(python)
        pid = os.posix_spawn(
            interpreter,
            [interpreter, "-P", "-m", _MODULE, str(theirs.fileno()), *([kind] if kind else [])],
            environment,
            file_actions=actions,
            setpgroup=0,  # what a terminal sends to its foreground is the supervisor's to obey
        )
    return Blank(pid, ours)
