"""One start of a service: its nurseries, runner workers and API workers, of one set of versions.

A reload makes another and lets the old one leave; they share nothing but the listening sockets.
"""

import asyncio
import os
from contextlib import suppress
from typing import Any

from minibento.processes.one_thread import ONE_THREAD
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.group import Group, together
from minibento.processes.supervisor.plan import Plan
from minibento.processes.supervisor.roster import Roster
from minibento.processes.supervisor.spawning import Blank, blank
from minibento.processes.supervisor.trying import tried
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.verdict import API_SILENCE, RUNNER_SILENCE

__all__ = ["Generation"]

# By then an API worker has heard that it accepts no more, unless its loop is blocked.
_TURN_SECONDS = 2.0
# By then one that is ready accepts requests, unless it cannot.
_GO_SECONDS = 30.0


class Generation:
    """See above.

    Attributes:
        number: From 1 on.
        place: Of the service, as it was when this one began.
        name: Of the service, once it is described.
        versions: Of the models, by runner.
        api: The API workers.
        runners: The workers of each runner that has processes.
    """

    def __init__(self, plan: Plan, number: int) -> None:
        """Find the service. Raises what `plan.locate` raises."""
        self.number = number
        self.place = plan.locate()
        self.name = ""
        self._plan = plan
        self._roster = roster = Roster(plan, number, self.place)
        self.api, self.runners, self.versions = roster.api, roster.runners, roster.versions
        self._accepting: set[WorkerProcess] = set()
        self._all_accept = asyncio.Event()
        self._turned = asyncio.Event()
        self._blank: Blank | None = None

    @property
    def groups(self) -> list[Group]:
        """All of its workers, those first that the others need."""
        return [*self.runners.values(), self.api]

    @property
    def ready(self) -> bool:
        """Whether each of its slots has a worker that answers."""
        return all(slot.ready for group in self.groups for slot in group.slots)

    async def start(self, tries: int) -> None:
        """Bring everything up until every worker is ready; nothing accepts requests yet.

        Args:
            tries: How often a step is tried that may succeed later.

        Raises:
            StartFailed: something did not become ready.
        """
        # While the API's nursery imports the service, the first runner's imports what all need.
        everything = {**os.environ, **ONE_THREAD}
        self._blank = blank(
            everything, terminal=self._plan.watching, kind="runner", python=self.place.python
        )
        # What raises while it is imported would raise again.
        described = await tried(self.api.nursery.prepare, tries, lambda one: bool(one.traceback))
        self.name = described["service"]
        self._roster.fill(described)
        self._lend_blank()
        await together(one.start(tries) for one in self.runners.values())
        await self.api.start(tries)

    async def go(self) -> None:
        """Let the API workers accept requests; returns when all do.

        Raises:
            StartFailed: one does not.
        """
        for slot in self.api.slots:
            slot.on_replaced = lambda process: process.say({"go": True})
        self.api.tell({"go": True})
        while not self._all_accept.is_set():
            try:
                async with asyncio.timeout(_GO_SECONDS):
                    await self._all_accept.wait()
            except TimeoutError:
                if not any(process.debugging for process in self.api.processes):
                    raise StartFailed(
                        f"not all API workers accept requests within {_GO_SECONDS:g} s"
                    ) from None

    def heard(self, process: WorkerProcess, document: dict[str, Any]) -> None:
        """A worker, perhaps of another generation, accepts requests now, or no more."""
        if "accepting" in document:
            self._accepting.add(process)
            if self.api.slots and all(slot.process in self._accepting for slot in self.api.slots):
                self._all_accept.set()
        else:
            self._accepting.discard(process)
            self._turned.set()

    def pass_on(self, finder: WorkerProcess, document: dict[str, Any]) -> None:
        """Tell the other API workers which item was found to be poisonous."""
        if finder in self.api.processes:
            for process in self.api.processes:
                if process is not finder:
                    process.say(document)

    async def step_aside(self, linger: float) -> None:
        """Let the API workers accept no more; returns when none does.

        Args:
            linger: Seconds that their idle connections are kept for requests under way.
        """
        self.api.release()
        self.api.tell({"retire": linger})
        with suppress(TimeoutError):
            async with asyncio.timeout(_TURN_SECONDS):
                await self.closed()

    async def closed(self) -> None:
        """Wait until no API worker accepts requests any more."""
        while any(process in self._accepting for process in self.api.processes):
            self._turned.clear()
            await self._turned.wait()

    async def retire(self, seconds: float, grace: float) -> None:
        """Leave after stepping aside: API workers first, then their runners."""
        await self.api.ended(seconds)
        self.api.nursery.close()
        await self._stop_runners(grace)

    async def stop(self, grace: float) -> None:
        """Leave: the API workers answer what they have accepted, then the runners do."""
        await self.api.stop(grace)
        await self._stop_runners(grace)

    def haste(self) -> None:
        """Cut off every request."""
        self.api.tell({"haste": True})

    def end_now(self) -> None:
        """End every process at once."""
        for group in self.groups:
            group.end_now()
        self._drop_blank()
        self._roster.close_sockets()

    def look(self, now: float) -> None:
        """Kill workers that count as dead."""
        self.api.look(now, API_SILENCE)
        for group in self.runners.values():
            group.look(now, RUNNER_SILENCE)

    async def _stop_runners(self, grace: float) -> None:
        await asyncio.gather(*(group.stop(grace) for group in self.runners.values()))
        self._roster.close_sockets()

    def _lend_blank(self) -> None:
        """Give the process that was started ahead to the first runner that can take it."""
        for group in self.runners.values():
            kind = group.nursery.kind
            # One whose variables differ must have them from its start.
            if self._blank is not None and kind.forks and not kind.environment:
                group.nursery.blank, self._blank = self._blank, None
        self._drop_blank()

    def _drop_blank(self) -> None:
        """Let the process that nobody took end."""
        if self._blank is not None:
            self._blank.channel.close()
            self._blank = None
