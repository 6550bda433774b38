"""All workers of one kind: a nursery and its slots; knows no service."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from minibento.processes.lifespan import Lifespan
from minibento.processes.supervisor.nursery import Nursery
from minibento.processes.supervisor.recycling import Recycling
from minibento.processes.supervisor.slot import Slot
from minibento.processes.supervisor.trying import tried
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["LEAVE_SECONDS", "LINGER_SECONDS", "Group", "together"]

# From being told to stop to being killed, beyond the grace that the workers were given: shutdown
# hooks have ten seconds of it.
LEAVE_SECONDS = 12.0
# An idle connection may so long bring the request that is under way on it, when another API worker
# has taken over.
LINGER_SECONDS = 5.0
# From being killed to the end.
_END_SECONDS = 2.0


class Group:
    """The workers of one runner, or the API workers, of one generation.

    Args:
        lifespan: What one of them may serve and hold until a fresh one takes its place.

    Attributes:
        role: `api` or `runner`.
        name: Of the runner; `""` for API workers.
        version: Tag of the model; `""` without one.
    """

    def __init__(
        self, role: str, name: str, version: str, nursery: Nursery, lifespan: Lifespan
    ) -> None:
        self.role = role
        self.name = name
        self.version = version
        self.nursery = nursery
        self.slots: list[Slot] = []
        self._recycling = Recycling(lifespan, self.slots)

    async def start(self, tries: int) -> None:
        """Prepare the nursery, if it is not, and start a worker in each slot.

        Args:
            tries: How often, where another try may help.

        Raises:
            StartFailed: the last try failed, or one after which none helps.
        """
        await tried(self._start_once, tries)

    async def _start_once(self) -> None:
        if self.nursery.kind.forks and not self.nursery.ready:
            await self.nursery.prepare()
        try:
            await together(slot.start() for slot in self.slots if not slot.ready)
        finally:
            self._end_strays()

    def _end_strays(self) -> None:
        """End workers that were started for a slot that did not wait for them."""
        kept = [slot.process for slot in self.slots]
        for process in self.processes:
            if process not in kept:
                process.end_now()

    @property
    def processes(self) -> list[WorkerProcess]:
        """The workers that have not ended, those too that are on their way out."""
        return list(self.nursery.workers)

    def tell(self, document: dict[str, object]) -> None:
        """Say the same to every worker."""
        for process in self.processes:
            process.say(document)

    def look(self, now: float, silence: float) -> None:
        """Kill what counts as dead, replace what is worn out."""
        for process in self.processes:
            reason = process.trouble(now, silence)
            if reason is not None:
                process.kill(reason)
        self.nursery.look()
        self._recycling.look(now)

    def release(self) -> None:
        """Replace nobody any more."""
        for slot in self.slots:
            slot.release()

    async def ended(self, seconds: float) -> None:
        """Wait until all its workers, which were released, have ended; kill who takes longer."""
        left = [process.ended for process in self.processes]
        if left:
            await asyncio.wait(left, timeout=seconds)
        for process in self.processes:
            process.kill(f"it did not leave within {seconds:.0f} s")
        left = [process.ended for process in self.processes]
        if left:
            await asyncio.wait(left, timeout=_END_SECONDS)

    async def stop(self, grace: float) -> None:
        """Let the workers answer what they have accepted and leave; then end the nursery."""
        self.release()
        self.tell({"stop": grace})
        await self.ended(grace + LEAVE_SECONDS)
        self.nursery.close()

    def end_now(self) -> None:
        """End everything at once."""
        self.release()
        for process in self.processes:
            process.end_now()
        self.nursery.close()


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; where one fails, the others do not go on starting processes."""
    begun = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*begun)
    finally:
        for one in begun:
            one.cancel()
