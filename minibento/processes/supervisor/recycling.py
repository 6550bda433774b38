"""Which worker of a group is to be followed by a fresh one: one at a time, before it is worn out.

Knows limits and slots; how one worker follows another is the slot's business.
"""

import logging
import math
import time
from collections.abc import Sequence

from minibento.processes.lifespan import Lifespan, Over
from minibento.processes.supervisor.kernel_view import private_bytes, resident_bytes
from minibento.processes.supervisor.slot import Slot
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["Recycling"]

_LOG = logging.getLogger("minibento")
# The exact number costs the kernel a walk over all pages: it is asked for where the one that bounds
# it is too high, and for a twentieth of the time at most.
_PAUSES = 20


class Recycling:
    """Looks at the workers of some slots, again and again, and has those replaced that are due.

    Args:
        lifespan: What a worker may serve and hold.
        slots: Those of one group; more may be added.
    """

    def __init__(self, lifespan: Lifespan, slots: Sequence[Slot]) -> None:
        self._lifespan = lifespan
        self._slots = slots
        # From when on the memory of each may be counted exactly again.
        self._from: dict[WorkerProcess, float] = {}
        self._told = False

    def look(self, now: float) -> None:
        """Have the oldest worker that is due replaced, unless another one is being replaced."""
        if self._lifespan == Lifespan() or any(slot.recycling for slot in self._slots):
            return
        there = [
            (slot.process.since, slot.number, slot, slot.process)
            for slot in self._slots
            if slot.process is not None and slot.process.is_ready and not slot.process.debugging
        ]
        self._from = {one: self._from.get(one, -math.inf) for *_, one in there}
        for _, number, slot, process in sorted(there, key=lambda one: one[:2]):
            over = self._over(process, self._lifespan.of(number, len(self._slots)), now)
            if over is not None:
                slot.recycle(over)
                return

    def _over(self, process: WorkerProcess, lifespan: Lifespan, now: float) -> Over | None:
        return lifespan.over(process.vitals.served, self._private(process, lifespan, now))

    def _private(self, process: WorkerProcess, lifespan: Lifespan, now: float) -> int:
        """Its memory, as exact as matters: 0 while it cannot be too much."""
        most = lifespan.max_memory
        if most is None or resident_bytes(process.pid) < most:
            return 0
        if process.fresh_bytes >= most:
            self._tell(process, most)
            return 0
        if now < self._from[process]:
            return 0
        began = time.monotonic()
        private = private_bytes(process.pid)
        ended = time.monotonic()
        self._from[process] = ended + _PAUSES * (ended - began)
        return private or 0

    def _tell(self, process: WorkerProcess, most: int) -> None:
        if not self._told:
            self._told = True
            _LOG.warning(
                "%s[%s] had %d MiB of memory before it had answered anything, and is to be "
                "recycled at %d: a fresh one would have no less, so none is; raise max_memory",
                process.title,
                process.pid,
                process.fresh_bytes >> 20,
                most >> 20,
            )
