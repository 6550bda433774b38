"""Memory that two processes map: made, sealed, checked; knows not what is kept in it.

Sealed so that the other end can neither shrink it, which would end us by SIGBUS, nor grow it. Pages
that nobody has written to take no memory; all of them are gone when both ends have unmapped them.
"""

import fcntl
import os
from mmap import mmap

from minibento.errors import ProtocolError

__all__ = ["create", "mapped"]


def create(name: str, size: int) -> int:
    """A descriptor of `size` zero bytes that can be handed to another process."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _seals())
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def mapped(descriptor: int, least: int, most: int) -> mmap:
    """Map what another process made; the descriptor may then be closed.

    Raises:
        ProtocolError: it is no sealed memory, or not of `least` to `most` bytes.
    """
    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
        size = os.fstat(descriptor).st_size
    except OSError:
        raise ProtocolError("a descriptor came that is no shared memory") from None
    if seals & _seals() != _seals():
        raise ProtocolError(f"shared memory came with the seals {seals:#x}, not {_seals():#x}")
    if not least <= size <= most:
        raise ProtocolError(
            f"shared memory of {size:,} bytes came: {least:,} to {most:,} are taken"
        )
    try:
        return mmap(descriptor, size)
    except OSError as error:  # sealed against writing, or opened for reading only
        raise ProtocolError(f"shared memory came that cannot be mapped: {error}") from None


def _seals() -> int:
    """Asked for when needed: this module can be imported where there are no seals."""
    return fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
