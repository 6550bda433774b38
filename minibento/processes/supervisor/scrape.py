"""The numbers of all processes in one, when somebody asks; knows no numbers' meaning."""

import asyncio
from collections.abc import Callable
from typing import Any

from minibento.metrics import Family
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.totals import Totals

__all__ = ["Scrape"]

# A process that does not report by then is counted as it last did.
_PATIENCE_SECONDS = 0.25


class Scrape:
    """Collects what workers report and answers those that are asked for the whole server's.

    Args:
        everybody: The workers there are now.
        own: The supervisor's own numbers.
    """

    def __init__(
        self,
        everybody: Callable[[], list[WorkerProcess]],
        own: Callable[[], list[Family]],
    ) -> None:
        self._everybody = everybody
        self._own = own
        self._totals = Totals()
        # Those that have reported and not ended.
        self._heard: set[WorkerProcess] = set()
        self._round = 0
        self._missing: dict[int, set[str]] = {}
        self._complete: dict[int, asyncio.Event] = {}
        self._answering: set[asyncio.Task[None]] = set()

    def reported(self, process: WorkerProcess, document: dict[str, Any]) -> None:
        """A process says what it has counted until now; that stays counted when it has ended."""
        if process not in self._heard:
            self._heard.add(process)
            process.ended.add_done_callback(lambda _: self._gone(process))
        self._totals.report(_key(process), document["metrics"])
        number = document.get("round")
        if number in self._missing:
            self._missing[number].discard(_key(process))
            if not self._missing[number]:
                self._complete[number].set()

    def asked(self, process: WorkerProcess, ask: int) -> None:
        """A process wants the numbers of all."""
        answering = asyncio.ensure_future(self._answer(process, ask))
        self._answering.add(answering)
        answering.add_done_callback(self._answering.discard)

    def _gone(self, process: WorkerProcess) -> None:
        self._heard.discard(process)
        self._totals.gone(_key(process))
        for number, missing in self._missing.items():
            missing.discard(_key(process))
            if not missing:
                self._complete[number].set()

    async def _answer(self, process: WorkerProcess, ask: int) -> None:
        self._round += 1
        number = self._round
        others = [one for one in self._everybody() if one.is_ready]
        complete = self._complete[number] = asyncio.Event()
        self._missing[number] = {_key(one) for one in others}
        for one in others:
            one.say({"report": number})
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await complete.wait()
        except TimeoutError:
            pass
        finally:
            del self._missing[number], self._complete[number]
        self._totals.report("supervisor", self._own())
        process.say({"totals": self._totals.merged(), "ask": ask})


def _key(process: WorkerProcess) -> str:
    return f"{process.title} {process.pid}"
