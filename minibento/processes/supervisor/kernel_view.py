"""What the kernel shows of a process that does not answer; knows no worker."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from minibento.processes.proc_stat import STATE, stat_fields

__all__ = ["KernelView", "look_at", "private_bytes", "resident_bytes", "wants_processor"]

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = 1 / os.sysconf("SC_CLK_TCK")
# Of the fields of its line.
_USER, _SYSTEM = 11, 12


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
        fields = stat_fields(Path(f"/proc/{pid}"))
    except OSError:
        return None
    used = int(fields[_USER]) + int(fields[_SYSTEM])
    return KernelView(fields[STATE] in "Tt", used * _TICK)


def wants_processor(pid: int) -> bool:
    """Whether any of its threads has a processor, or waits for nothing else."""
    # Of each: the first one may wait for another one, which holds the interpreter lock and waits.
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                if stat_fields(thread)[:1] == ["R"]:
                    return True
    return False


def resident_bytes(pid: int | None) -> int:
    """Memory that it has, shared or not; 0 where the kernel does not say. Costs next to nothing."""
    with suppress(OSError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def private_bytes(pid: int | None) -> int | None:
    """Memory that the process shares with no other; None where the kernel does not say.

    The kernel walks all of its pages for that: some 5 ms for each gigabyte.
    """
    total = 0
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Private_"):
                total += int(line.split()[1]) * 1024
        return total
    return None
