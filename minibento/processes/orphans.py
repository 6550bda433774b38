"""Ends what user code has started and left behind; for a process that adopts its descendants."""

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from minibento.processes.proc_stat import PARENT, STATE, stat_fields

__all__ = ["children", "end_group", "end_what_is_left"]

# What the kernel holds on to, such as a read of a dead share, cannot be waited for.
_MOST_SECONDS = 5.0
_POLL_SECONDS = 0.002


def children() -> set[int]:
    """The children of this process that live, adopted ones too; none where there is no /proc."""
    found = set()
    # Any of them may end meanwhile; a glob for stat itself fails of that now and then.
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = stat_fields(path)
            if int(fields[PARENT]) == os.getpid() and fields[STATE] != "Z":
                found.add(int(path.name))
    return found


def end_what_is_left(spared: Collection[int] = ()) -> None:
    """Kill all children but those; each that is killed leaves its own to us: until none lives.

    How they ended is left for whoever may still ask.
    """
    until = time.monotonic() + _MOST_SECONDS
    while (left := children().difference(spared)) and time.monotonic() < until:
        for pid in left:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)


def end_group(leader: int) -> None:
    """Kill what is left of the process group of a process that has just ended, if it had one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
