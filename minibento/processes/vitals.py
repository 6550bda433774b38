"""What a worker shows of itself in a page of shared memory, readable even while it is silent.

A message would come too late: a batch that begins right after a beat and holds the interpreter lock
looks like a dead process to whoever only reads messages.
"""

import math
import mmap
import os
import struct
import time
from dataclasses import dataclass

__all__ = ["Vitals", "VitalsPage"]

_BEAT = struct.Struct("=dqq")
_TURNED = struct.Struct("=d")
_BATCH = struct.Struct("=ddq")
_BATCH_AT = 64


@dataclass(frozen=True, slots=True)
class Vitals:
    """A worker as its page shows it; times are of CLOCK_MONOTONIC, which all processes share.

    Attributes:
        beat: When its event loop last turned.
        outstanding: Items or requests that it has accepted and not answered.
        served: Those that it was done with at its last beat.
        since: When the batch that computes began; None: none computes.
        until: When that batch counts as stuck.
        batches: That it has finished.
    """

    beat: float
    outstanding: int
    served: int
    since: float | None
    until: float
    batches: int


class VitalsPage:
    """The page; the supervisor makes it, the worker gets its descriptor.

    Args:
        descriptor: Of a page that exists; None makes one.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        if descriptor is None:
            descriptor = os.memfd_create("minibento-vitals", os.MFD_CLOEXEC)
            os.ftruncate(descriptor, mmap.PAGESIZE)
        self.descriptor = descriptor
        self._page = mmap.mmap(descriptor, mmap.PAGESIZE)
        self._batches = 0

    def beat(self, now: float, outstanding: int, served: int) -> None:
        """The event loop has turned."""
        _BEAT.pack_into(self._page, 0, now, outstanding, served)

    def begin(self, since: float, until: float) -> None:
        """A batch computes from now on."""
        _BATCH.pack_into(self._page, _BATCH_AT, since, until, self._batches)

    def end(self) -> None:
        """Nothing computes. The loop says so, which may have stood still while it computed."""
        self._batches += 1
        _TURNED.pack_into(self._page, 0, time.monotonic())
        _BATCH.pack_into(self._page, _BATCH_AT, 0.0, math.inf, self._batches)

    def read(self) -> Vitals:
        """What the worker shows now."""
        beat, outstanding, served = _BEAT.unpack_from(self._page, 0)
        since, until, batches = _BATCH.unpack_from(self._page, _BATCH_AT)
        return Vitals(beat, outstanding, served, since or None, until, batches)

    def close(self) -> None:
        """Unmap and close."""
        self._page.close()
        os.close(self.descriptor)
