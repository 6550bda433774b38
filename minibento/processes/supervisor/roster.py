"""Who works in one generation: groups of workers, as the configuration and the service want them.

Makes their kinds, slots and sockets, and starts no process.
"""

import logging
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from minibento.config.runners import check_runners, runner_options, without_place
from minibento.processes.cpus import Shares, available, chosen
from minibento.processes.lifespan import Lifespan
from minibento.processes.place import Place
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.group import LEAVE_SECONDS, LINGER_SECONDS, Group
from minibento.processes.supervisor.kind import Kind
from minibento.processes.supervisor.nursery import Nursery
from minibento.processes.supervisor.plan import Plan
from minibento.processes.supervisor.slot import Farewell, Slot
from minibento.wire.listening import listening

__all__ = ["Roster"]

_LOG = logging.getLogger("minibento")


class Roster:
    """See above.

    Args:
        plan: What all generations have in common.
        number: Of this one.
        place: Of the service.

    Attributes:
        api: The API workers; they have no slots until the runners are known.
        runners: The workers of each runner that has processes.
        versions: Of the models, by runner.
    """

    def __init__(self, plan: Plan, number: int, place: Place) -> None:
        self._plan = plan
        self._number = number
        self._place = place
        self._config = plan.config
        self._sockets: list[tuple[socket.socket, Path]] = []
        config = plan.config
        lifespan = Lifespan(config.api_max_requests, config.api_max_memory)
        self.api = Group("api", "", "", Nursery(self._api_kind(), plan.reaper), lifespan)
        self.runners: dict[str, Group] = {}
        self.versions: dict[str, str] = {}

    def fill(self, described: Mapping[str, Any]) -> None:
        """Add a group for each runner of the service that has processes, and the API's slots.

        Raises:
            StartFailed: what is configured cannot be had.
        """
        self._config = check_runners(self._plan.config, described["runners"])
        self.api.nursery.kind.first["pins"] = described["pins"]
        placed = self._placed(described)
        for number, one in enumerate(self._plan.sockets):
            worker = {
                "title": f"api-worker-{number}",
                "config": self._config.to_json(),
                "runners": placed,
                "develop": self._breakpoints(),
            }
            self.api.slots.append(self._slot(self.api, number, worker, one))

    def close_sockets(self) -> None:
        """Close those of the runners; the API's are the server's."""
        for one, path in self._sockets:
            one.close()
            with suppress(OSError):
                path.unlink()
        self._sockets.clear()

    def _api_kind(self) -> Kind:
        plan = self._plan
        first = {"kind": "api", "place": self._place.to_json(), "pins": {}, **self._common()}
        python, seconds = self._place.python, plan.config.start_timeout
        return Kind("api", first, {}, True, seconds, plan.watching, python)

    def _common(self) -> dict[str, Any]:
        log = self._plan.config.log
        bundle = self._place.bundle
        return {
            "folder": str(self._place.folder),
            "bundle": None if bundle is None else str(bundle),
            "log": asdict(log),
        }

    def _placed(self, described: Mapping[str, Any]) -> dict[str, Any]:
        """Make the groups of the runners; what API workers know of each."""
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
        if self._number == 1:
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
            self._place.python,
        )

    def _add_runner(
        self, name: str, version: str, kind: Kind, lifespan: Lifespan, workers: int
    ) -> list[str]:
        """The group of a runner; the paths on which its workers answer."""
        group = Group("runner", name, version, Nursery(kind, self._plan.reaper), lifespan)
        paths = []
        for number in range(workers):
            path = self._plan.directory / f"g{self._number}-{len(self.runners)}-{number}.sock"
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


def _refuse_embedded(name: str, lifespan: Lifespan) -> None:
    if lifespan != Lifespan():
        raise StartFailed(
            f"runners.{name}: max_requests and max_memory are of processes of its own, and it is "
            "embedded in the API workers: set api_max_requests or api_max_memory, or leave it out",
            final=True,
        )
