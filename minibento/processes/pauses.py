"""Time lost while the whole server stood still and nobody looked: no batch is to blame for it.

A container that is paused, or a machine that is moved, stops the supervisor and its workers
together, and the clock goes on.
"""

import math
from dataclasses import replace

from minibento.processes.vitals import Vitals

__all__ = ["Pauses"]

# Looks are more frequent than this, unless who looks stood still.
_PAUSE_SECONDS = 0.5


class Pauses:
    """Gives the batch that computes as much more time as was lost since it began."""

    def __init__(self) -> None:
        self._looked = math.inf
        self._since: float | None = None
        self._lost = 0.0

    def excused(self, vitals: Vitals, now: float) -> Vitals:
        """What the worker shows, its batch stuck that much later.

        Args:
            vitals: What its page shows now.
            now: Monotonic seconds; later at each look.
        """
        if vitals.since != self._since:
            self._since, self._lost = vitals.since, 0.0
        if vitals.since is not None and now - self._looked > _PAUSE_SECONDS:
            self._lost += now - max(self._looked, vitals.since)
        self._looked = now
        return replace(vitals, until=vitals.until + self._lost)
