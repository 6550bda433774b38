"""What the kernel says of processes: their family, processor time, memory; Linux only."""

import os
from pathlib import Path

from minibento.processes.proc_stat import stat_fields

__all__ = ["cpu_seconds", "family", "proportional_bytes", "resident_bytes"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat after the name, which may hold anything: proc_pid_stat(5).
_PARENT, _USER, _SYSTEM = 1, 11, 12


def family(pid: int) -> list[int]:
    """The process and all of its descendants."""
    parents = {int(one.name): _fields(int(one.name)) for one in Path("/proc").glob("[0-9]*")}
    found = [pid]
    for one in found:
        found += [child for child, stat in parents.items() if stat and int(stat[_PARENT]) == one]
    return found


def cpu_seconds(pid: int) -> float:
    """Processor time of all its threads until now; 0 if it has ended. Resolves 10 ms."""
    stat = _fields(pid)
    return (int(stat[_USER]) + int(stat[_SYSTEM])) / _TICKS if stat else 0.0


def proportional_bytes(pid: int) -> int:
    """Its memory, of pages that others share too only its part (PSS); 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def resident_bytes(pid: int) -> int:
    """Its memory with all that it shares."""
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * _PAGE


def _fields(pid: int) -> list[str]:
    try:
        return stat_fields(Path(f"/proc/{pid}"))
    except OSError:
        return []
