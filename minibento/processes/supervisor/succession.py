"""Which generation of a service serves, how the next one takes over, how all of them leave.

Knows no signals and no one who asks for a reload.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from typing import Any

from minibento.errors import MinibentoError, Unavailable
from minibento.log import with_traceback
from minibento.processes.supervisor.generation import Generation
from minibento.processes.supervisor.group import LINGER_SECONDS
from minibento.processes.supervisor.numbers import Numbers
from minibento.processes.supervisor.plan import Plan
from minibento.processes.supervisor.worker_process import WorkerProcess

__all__ = ["Succession", "done_before"]

_LOG = logging.getLogger("minibento")
# Beyond the grace for requests, for shutdown hooks and for what has to be killed after all.
_LAST_SECONDS = 15.0


class Succession:
    """The generations there are: one that serves, one that may be starting, those that leave.

    Args:
        plan: What they have in common.
        numbers: Where restarts are counted.
        stopping: Set when the server is to stop: what is starting then gives up.

    Attributes:
        generations: All of them, the oldest first.
        current: The one that takes requests; None: none does yet.
        name: Of the service; `""` until it has been described.
    """

    def __init__(self, plan: Plan, numbers: Numbers, stopping: asyncio.Event) -> None:
        self.generations: list[Generation] = []
        self.current: Generation | None = None
        self.name = ""
        self._plan = plan
        self._numbers = numbers
        self._stopping = stopping
        self._number = 0
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def following(self) -> int:
        """The number of the next generation."""
        return self._number + 1

    async def begin(self, tries: int) -> Generation:
        """Bring up the first one, until it takes requests.

        Raises:
            MinibentoError: it did not become ready, or the server is to stop.
        """
        fresh = await self._brought_up(tries)
        self.current = fresh
        return fresh

    async def renew(self) -> dict[str, Any]:
        """Bring up the service anew, as code and store are now, and let the old one leave.

        Returns:
            The number of the new generation, the versions of its models, and those of the old.

        Raises:
            MinibentoError: the new one did not become ready; the old one goes on.
        """
        old = self.current
        assert old is not None
        try:
            fresh = await self._brought_up(1)
        except MinibentoError as error:
            said = f"reload refused, generation {old.number} goes on: {error}"
            with_traceback(_LOG, logging.ERROR, said, getattr(error, "traceback", ""))
            raise
        self.current = fresh
        # Who has changed a file wants to see that, on a browser's open connection too.
        await old.step_aside(0.0 if self._plan.watching else LINGER_SECONDS)
        retiring = asyncio.ensure_future(self._retired(old))
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        _LOG.info("generation %d has taken over%s", fresh.number, _shown(fresh.versions))
        return {"generation": fresh.number, "versions": fresh.versions, "was": old.versions}

    async def leave(self, grace: float, closed: Callable[[], None]) -> None:
        """Answer what has been accepted; `closed` is called when nothing is accepted any more."""
        assert self.current is not None
        leaving = asyncio.ensure_future(self.current.stop(grace))
        turned = asyncio.ensure_future(self.current.closed())
        await asyncio.wait({leaving, turned}, return_when=asyncio.FIRST_COMPLETED)
        closed()
        await asyncio.wait({leaving, *self._retiring}, timeout=grace + _LAST_SECONDS)

    def haste(self) -> None:
        """Cut off every request."""
        for generation in self.generations:
            generation.haste()

    def end_now(self) -> None:
        """End every process at once."""
        for generation in self.generations:
            generation.end_now()

    def look(self, now: float) -> None:
        """Kill what counts as dead."""
        for generation in self.generations:
            generation.look(now)

    def heard(self, process: WorkerProcess, document: dict[str, Any]) -> None:
        """An API worker accepts requests, or no more, or has found an item to be poisonous."""
        for generation in self.generations:
            if "poison" in document:
                generation.pass_on(process, document)
            else:
                generation.heard(process, document)

    def workers(self) -> Iterator[WorkerProcess]:
        """Those of all generations."""
        for generation in self.generations:
            for group in generation.groups:
                yield from group.processes

    async def _brought_up(self, tries: int) -> Generation:
        """A new generation, once it takes requests."""
        fresh = Generation(self._plan, self.following)
        self._number = fresh.number
        self.generations.append(fresh)
        try:
            await self._started(fresh, tries)
            await fresh.go()
        except BaseException:
            fresh.end_now()
            self.generations.remove(fresh)
            raise
        finally:
            self.name = fresh.name or self.name
        return fresh

    async def _started(self, fresh: Generation, tries: int) -> None:
        starting = asyncio.ensure_future(fresh.start(tries))
        if not await done_before(self._stopping, starting):
            raise Unavailable("the server is stopping")
        starting.result()

    async def _retired(self, old: Generation) -> None:
        grace = self._plan.config.grace
        await old.retire(LINGER_SECONDS + grace, grace)
        self._numbers.remember(old)
        self.generations.remove(old)


async def done_before(event: asyncio.Event, work: "asyncio.Future[Any]") -> bool:
    """Wait for the work; False: the event came first, and the work is cancelled."""
    coming = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({work, coming}, return_when=asyncio.FIRST_COMPLETED)
        return work.done()
    finally:
        work.cancel()
        coming.cancel()


def _shown(versions: dict[str, str]) -> str:
    named = [f"{name} is {version}" for name, version in versions.items() if version]
    return f": {', '.join(named)}" if named else ""
