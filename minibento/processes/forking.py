"""A worker as a copy of the process that has loaded everything; knows nothing of what it does.

The nursery forks twice and the process in the middle leaves, so that the worker becomes a child of
the supervisor: that one learns how it ended, and a nursery's death takes no worker along.
"""

import os
import random
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress

from minibento.processes.parentage import adopted_by, die_with_parent

__all__ = ["fork_worker", "leave"]


def fork_worker(work: Callable[[], int], supervisor: int) -> None:
    """Run `work` in a new process, whose parent is `supervisor` and whose exit code it gives.

    Called on the main thread, of a process that has no other. Returns in the caller only.

    Raises:
        OSError: the system makes no process now, for want of memory or by a limit of processes.
    """
    middle = os.fork()
    if middle:
        _check(middle)
        return
    try:
        worker = os.fork()
    except OSError as error:
        os._exit(error.errno or 1)
    if worker:
        os._exit(0)
    code = 1
    try:
        adopted_by(supervisor)
        die_with_parent(supervisor)
        _reseed()
        code = work()
    except BaseException:  # noqa: BLE001 - the copy must never go on in its parent's code
        traceback.print_exc()
    leave(code)


def _check(middle: int) -> None:
    """Wait for the process in the middle; raises what it was refused."""
    try:
        _, status = os.waitpid(middle, 0)
    except ChildProcessError:  # user code has chosen to ignore SIGCHLD
        return
    number = os.waitstatus_to_exitcode(status)
    if number > 0:
        raise OSError(number, os.strerror(number))


def leave(code: int) -> None:
    """End this process with what it has printed, without the exit handlers of its parent's copy."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _reseed() -> None:
    """Copies would else draw the same random numbers."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()
