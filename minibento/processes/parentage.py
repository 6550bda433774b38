"""Who is whose child, and what a process is called: what Linux's prctl(2) is asked; no more.

Parentage and names go by thread: call these from the main one.
"""

import ctypes
import errno
import os
import time
from pathlib import Path

from minibento.processes.proc_stat import stat_fields

__all__ = ["adopted_by", "become_subreaper", "die_with_parent", "set_title", "threads"]

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_SIGKILL = 9
# The kernel's limit, with the zero at the end.
_NAME_BYTES = 16
_ADOPTION_POLL = 0.0005
# Of the fields of its own line in /proc.
_ARG_START, _ARG_END = 45, 46


def become_subreaper() -> None:
    """Be the parent of descendants whose own parent ends.

    Raises:
        OSError: the kernel refuses.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def adopted_by(parent: int, within: float = 5.0) -> bool:
    """Wait until `parent` is this process's parent; False if it is not within so many seconds.

    For the second child of a double fork: its parent is the middle process until that has ended.
    """
    until = time.monotonic() + within
    while os.getppid() != parent:
        if time.monotonic() >= until:
            return False
        time.sleep(_ADOPTION_POLL)
    return True


def die_with_parent(parent: int, number: int = _SIGKILL) -> None:
    """Be killed when the parent ends; leave at once, with status 1, if it is not `parent`.

    Or get signal `number`, to see to something first.

    Only once re-parented: the end of a middle process would be that of the parent. Lost at a fork
    (each child must ask for itself) and, for programs with other rights than ours, at an exec. The
    thread that made this process counts as the parent: it must be one that stays.

    Raises:
        OSError: the kernel refuses.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    # It may have ended before the kernel knew.
    if os.getppid() != parent:
        os._exit(1)


def threads() -> int:
    """How many threads this process has, those of libraries too."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())


def set_title(title: str) -> None:
    """Be called `title` in ps and top.

    The whole of it takes the place of the command line, as far as that is long; the name that
    `ps -o comm` and `pgrep` see is its first 15 bytes. Where the system does not tell where the
    command line is, only the name changes; nothing is raised.
    """
    text = title.replace("\0", " ").encode("utf-8", "backslashreplace")
    name = ctypes.create_string_buffer(text[: _NAME_BYTES - 1], _NAME_BYTES)
    try:
        _prctl(_PR_SET_NAME, ctypes.addressof(name))
        start, end = _command_line()
    except OSError:
        return
    if end - start > 1:
        # The last byte must stay 0: the kernel takes what follows for more of it otherwise.
        text = text[: end - start - 1]
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)


def _prctl(option: int, argument: int) -> None:
    call = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)
    if call is None:
        raise OSError(errno.ENOSYS, f"prctl({option}, {argument}): only Linux has it")
    long = ctypes.c_ulong
    if call(option, long(argument), long(0), long(0), long(0)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}, {argument}): {os.strerror(number)}")


def _command_line() -> tuple[int, int]:
    """Where the command line is in memory, if it is where one can write; else (0, 0)."""
    fields = stat_fields(Path("/proc/self"))
    if len(fields) <= _ARG_END:
        return 0, 0
    start, end = int(fields[_ARG_START]), int(fields[_ARG_END])
    for line in Path("/proc/self/maps").read_text("utf-8", "replace").splitlines():
        place, rights = line.split(maxsplit=2)[:2]
        low, high = (int(part, 16) for part in place.split("-"))
        if low <= start <= end <= high:
            return (start, end) if rights.startswith("rw") else (0, 0)
    return 0, 0
