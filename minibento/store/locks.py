"""Locks that die with their holder, between processes and threads; knows not what they guard.

Plain flock: the kernel wakes the next waiter, where polling for a lock makes fifty writers wait
for the clock, and it needs no library.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["hold", "hold_folder", "try_hold"]


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock of this file, waiting for it; the file is made if need be and stays.

    Raises:
        FileNotFoundError: its folder does not exist, or has been removed meanwhile.
    """
    while True:
        descriptor = _lock(path, fcntl.LOCK_EX)
        try:
            if _is_current(descriptor, path):
                yield
                return
        finally:
            os.close(descriptor)


@contextmanager
def hold_folder(path: Path) -> Iterator[None]:
    """Hold a lock on a folder of the user's, leaving no file in it.

    Some network file systems lock no folder: there nothing is held.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def try_hold(path: Path) -> Iterator[bool]:
    """Hold the lock if nobody else does; yields whether it is held."""
    try:
        descriptor = _lock(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
        return
    try:
        yield _is_current(descriptor, path)
    finally:
        os.close(descriptor)


def _lock(path: Path, operation: int) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(descriptor, operation)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_current(descriptor: int, path: Path) -> bool:
    """A lock on a file that was removed while we waited guards nothing."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
