"""Runs what may be user code in a child process, of which nothing is left: no daemon, no orphan.

For programs of their own: the process that calls `guarded` is the guard, adopts whatever the child
leaves behind, and ends all of it when the child has ended, when it gets a SIGTERM, or when its own
parent has gone. Where the system has no subreapers, only the child is ended.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from minibento.processes import parentage
from minibento.processes.orphans import end_what_is_left

__all__ = ["guarded"]


def guarded(work: Callable[[], object], parent: int, grace: float = 0.0) -> NoReturn:
    """Do the work in a child, then leave with its exit code.

    Args:
        work: Its process ends when it returns.
        parent: Of this process: when that ends, so does all of this.
        grace: A child that is to be stopped hears SIGINT, twice, and is killed after so many
            seconds; 0: it is killed.
    """
    guard = os.getpid()
    with suppress(OSError):  # only Linux has them
        parentage.become_subreaper()
    # Not before there is somebody to be stopped.
    stopping = {signal.SIGTERM, signal.SIGINT, signal.SIGALRM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping)
        with suppress(OSError):
            parentage.die_with_parent(guard)
        work()
        os._exit(0)

    def stop(number: int, _: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            if grace and number != signal.SIGALRM:
                os.kill(child, signal.SIGINT)
                os.kill(child, signal.SIGINT)
                signal.setitimer(signal.ITIMER_REAL, grace)
            else:
                os.kill(child, signal.SIGKILL)

    for number in stopping:
        signal.signal(number, stop)
    with suppress(OSError):
        parentage.die_with_parent(parent, signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stopping)
    _, status = os.waitpid(child, 0)
    for number in stopping:
        signal.signal(number, signal.SIG_IGN)
    end_what_is_left()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)
