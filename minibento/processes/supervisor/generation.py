"""One start of a service: its nurseries, runner workers and API workers, of one set of versions.

A reload makes another and lets the old one leave; they share nothing but the listening sockets.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from minibento.config.runners import check_runners, runner_options, without_place
from minibento.processes.cpus import Shares, available, chosen
from minibento.processes.lifespan import Lifespan
from minibento.processes.one_thread import ONE_THREAD
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.group import LEAVE_SECONDS, Group, together
from minibento.processes.supervisor.kind import Kind
from minibento.processes.supervisor.nursery import Nursery
from minibento.processes.supervisor.plan import Plan
from minibento.processes.supervisor.slot import Farewell, Slot
from minibento.processes.supervisor.spawning import Blank, blank
from minibento.processes.supervisor.trying import tried
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.verdict import API_SILENCE, RUNNER_SILENCE
from minibento.wire.listening import listening

__all__ = ["LINGER_SECONDS", "Generation"]

_LOG = logging.getLogger("minibento")
# An idle connection may so long bring the request that is under way on it, when another API worker
# has taken over.
LINGER_SECONDS = 5.0
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
        self.versions: dict[str, str] = {}
        self._plan = plan
        config = plan.config
        lifespan = Lifespan(config.api_max_requests, config.api_max_memory)
        self.api = Group("api", "", "", Nursery(self._api_kind(), plan.reaper), lifespan)
        self.runners: dict[str, Group] = {}
        self._config = plan.config
        self._sockets: list[tuple[socket.socket, Path]] = []
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
        self.api.nursery.kind.first["pins"] = described["pins"]
        self._config = check_runners(self._plan.config, described["runners"])
        placed = self._placed(described)
        self._drop_blank()
        await together(one.start(tries) for one in self.runners.values())
        self._add_api_slots(placed)
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
        self._close_sockets()

    def look(self, now: float) -> None:
        """Kill workers that count as dead."""
        self.api.look(now, API_SILENCE)
        for group in self.runners.values():
            group.look(now, RUNNER_SILENCE)

    async def _stop_runners(self, grace: float) -> None:
        await asyncio.gather(*(group.stop(grace) for group in self.runners.values()))
        self._close_sockets()

    def _api_kind(self) -> Kind:
        plan = self._plan
        first = {"kind": "api", "place": self.place.to_json(), "pins": {}, **self._common()}
        python, seconds = self.place.python, plan.config.start_timeout
        return Kind("api", first, {}, True, seconds, plan.watching, python)

    def _common(self) -> dict[str, Any]:
        log = self._plan.config.log
        bundle = self.place.bundle
        return {
            "folder": str(self.place.folder),
            "bundle": None if bundle is None else str(bundle),
            "log": asdict(log),
        }

    def _placed(self, described: Mapping[str, Any]) -> dict[str, Any]:
        """Make the groups of the runners that have processes; what API workers know of each."""
        declared: Mapping[str, dict[str, Any]] = described["runners"]
        shares = self._shares({name: one["options"] for name, one in declared.items()})
        placed: dict[str, Any] = {}
        for name, one in declared.items():
            self.versions[name] = one["version"]
            share = shares.runners[name]
            wanted = runner_options(self._config.runners.get(name), one["options"])
            options = {**without_place(wanted), "threads": share.threads}
            environment = wanted.get("env") or {}
            slots = None
            lifespan = Lifespan(wanted.get("max_requests"), wanted.get("max_memory"))
            if share.embedded:
                _refuse_embedded(name, lifespan)
            else:
                if one["source"] is None:
                    raise StartFailed(f"runner {name!r}: {one['only_embedded']}", final=True)
                kind = self._runner_kind(name, one, options, environment, described["pins"])
                slots = self._add_runner(name, one["version"], kind, lifespan, share.workers)
            placed[name] = {"options": options, "slots": slots}
        return placed

    def _shares(self, options: Mapping[str, Mapping[str, Any]]) -> Shares:
        shares = chosen(self._config, options, available())
        if self.number == 1:
            _LOG.info("%s", shares.line)
            for warning in shares.warnings:
                _LOG.warning("%s", warning)
        return shares

    def _runner_kind(
        self,
        name: str,
        described: Mapping[str, Any],
        options: Mapping[str, Any],
        environment: Mapping[str, str],
        pins: Mapping[str, str],
    ) -> Kind:
        preload = options["preload"]
        first = {
            "kind": "runner",
            "name": name,
            "source": described["source"],
            "options": dict(options),
            # A class's `__init__` runs where its inference runs, unless told otherwise.
            "load": preload is True or (preload is None and "model" in described["source"]),
            "pins": dict(pins),
            **self._common(),
        }
        return Kind(
            f"runner {name}",
            first,
            environment,
            # What is on a GPU cannot be forked.
            preload is not False and "CUDA_VISIBLE_DEVICES" not in environment,
            self._config.start_timeout,
            self._plan.watching,
            self.place.python,
        )

    def _add_runner(
        self, name: str, version: str, kind: Kind, lifespan: Lifespan, workers: int
    ) -> list[str]:
        """The group of a runner; the paths on which its workers answer."""
        group = Group("runner", name, version, Nursery(kind, self._plan.reaper), lifespan)
        # One whose variables differ must have them from its start.
        if kind.forks and not kind.environment:
            group.nursery.blank, self._blank = self._blank, None
        paths = []
        for number in range(workers):
            path = self._plan.directory / f"g{self.number}-{len(self.runners)}-{number}.sock"
            try:
                made = listening(path)
            except OSError as error:
                raise StartFailed(f"{path} cannot be made: {error}") from error
            self._sockets.append((made, path))
            worker = {"title": f"runner-worker-{name}-{number}"}
            group.slots.append(self._slot(group, number, worker, made))
            paths.append(str(path))
        self.runners[name] = group
        return paths

    def _drop_blank(self) -> None:
        """Let the process that nobody took end."""
        if self._blank is not None:
            self._blank.channel.close()
            self._blank = None

    def _add_api_slots(self, placed: dict[str, Any]) -> None:
        for number, one in enumerate(self._plan.sockets):
            worker = {
                "title": f"api-worker-{number}",
                "config": self._config.to_json(),
                "runners": placed,
                "develop": self._breakpoints(),
            }
            self.api.slots.append(self._slot(self.api, number, worker, one))

    def _breakpoints(self) -> str | None:
        """The file that is locked by who has the terminal in `breakpoint()`."""
        return str(self._plan.directory / "breakpoint") if self._plan.watching else None

    def _slot(self, group: Group, number: int, worker: dict[str, Any], on: socket.socket) -> Slot:
        return Slot(
            number,
            worker,
            group.nursery,
            on,
            self._plan.received,
            ended=self._plan.ended,
            always_answers=group.role == "api",
            farewell=self._farewell(group.role),
        )

    def _farewell(self, role: str) -> Farewell:
        grace = self._plan.config.grace
        if role == "api":
            return Farewell({"retire": LINGER_SECONDS}, LINGER_SECONDS + grace + LEAVE_SECONDS)
        return Farewell({"stop": grace}, grace + LEAVE_SECONDS)

    def _close_sockets(self) -> None:
        for one, path in self._sockets:
            one.close()
            with suppress(OSError):
                path.unlink()
        self._sockets.clear()


def _refuse_embedded(name: str, lifespan: Lifespan) -> None:
    if lifespan != Lifespan():
        raise StartFailed(
            f"runners.{name}: max_requests and max_memory are of processes of its own, and it is "
            "embedded in the API workers: set api_max_requests or api_max_memory, or leave it out",
            final=True,
        )
