"""What the kernel shows of a process that does not answer; knows no worker."""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KernelView", "look_at"]

_TICK = 1 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat, counted from the one after the name: see proc_pid_stat(5).
_STATE, _USER, _SYSTEM = 0, 11, 12


@dataclass(frozen=True, slots=True)
class KernelView:
    """A process now.

    Attributes:
        stopped: By a signal or a tracer.
        cpu_seconds: That all of its threads have used.
    """

    stopped: bool
    cpu_seconds: float


def look_at(pid: int) -> KernelView | None:
    """The process with this id; None: it is not seen, because it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return None
    fields = text.rpartition(") ")[2].split()
    used = int(fields[_USER]) + int(fields[_SYSTEM])
    return KernelView(fields[_STATE] in "Tt", used * _TICK)
