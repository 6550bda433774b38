"""What a worker shows of itself again and again: that it beats, and what it has counted.

Knows neither requests nor items.
"""

import asyncio
import time
from collections.abc import Callable

from minibento.metrics import Family, Metrics
from minibento.processes.control import Control
from minibento.processes.vitals import VitalsPage
from minibento.user_metrics import user_families

__all__ = ["Reporting"]

_BEAT_SECONDS = 0.25


class Reporting:
    """Beats from the running loop from now on; tells the supervisor numbers once they are there.

    Args:
        control: The way to the supervisor.
        vitals: The worker's page.
        outstanding: Items or requests that it has accepted and not answered.
        served: Those that it is done with.
    """

    def __init__(
        self,
        control: Control,
        vitals: VitalsPage,
        outstanding: Callable[[], int],
        served: Callable[[], int],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._control = control
        self._vitals = vitals
        self._outstanding = outstanding
        self._served = served
        self._metrics: Metrics | None = None
        # What the nursery had counted when this was forked is not this worker's.
        self._inherited = user_families()
        self._counts = False
        self._beat()

    def count(self, metrics: Metrics | None) -> None:
        """Tell these numbers, and the user's own, from now on."""
        self._metrics, self._counts = metrics, True
        self.tell()

    def tell(self, number: int | None = None) -> None:
        """Tell them once; `number`: of the round in which the supervisor asked."""
        own = () if self._metrics is None else self._metrics.snapshot()
        told: list[Family] = [*own, *user_families(self._inherited)]
        self._control.send({"metrics": told, "round": number})

    def _beat(self) -> None:
        self._vitals.beat(time.monotonic(), self._outstanding(), self._served())
        if self._counts:
            self.tell()
        self._loop.call_later(_BEAT_SECONDS, self._beat)
