"""A server of real processes to be tested, and what is asked of it."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx2

from minibento import testing
from minibento.processes.asking import ask
from minibento.testing.servers import Server


@dataclass
class Running:
    """A running server with a client of its own."""

    server: Server
    directory: Path
    http: httpx2.Client

    def post(self, path: str, body: object = None, **headers: str) -> Any:
        """The answer's JSON; AssertionError unless it is 200."""
        answer = self.http.post(path, json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def status(self) -> dict[str, Any]:
        """What `minibento status` knows."""
        found: dict[str, Any] = ask(self.directory, {"do": "status"})["server"]
        return found

    def processes(self, role: str, runner: str | None = None) -> list[dict[str, Any]]:
        """Those of one role."""
        return [
            one
            for one in self.status()["processes"]
            if one["role"] == role and runner in (None, one["runner"])
        ]

    def pids(self, role: str) -> list[int]:
        """Process ids of those that live."""
        return [one["pid"] for one in self.processes(role) if one["pid"] is not None]

    def until(self, true: Callable[[dict[str, Any]], bool], seconds: float = 20.0) -> None:
        """Wait until the status is as wanted."""
        end = time.monotonic() + seconds
        while not true(status := self.status()):
            assert time.monotonic() < end, json.dumps(status, indent=1) + self.server.output
            threading.Event().wait(0.02)

    def until_replaced(self, role: str, pid: int) -> None:
        """Wait until another process has this one's place."""

        def replaced(status: dict[str, Any]) -> bool:
            found = [one for one in status["processes"] if one["role"] == role]
            return bool(found) and all(
                one["pid"] != pid and one["state"] not in ("starting", "dead") for one in found
            )

        self.until(replaced)

    def kill(self, role: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the first process of a role; its process id."""
        pid = self.pids(role)[0]
        os.kill(pid, number)
        return pid

    def reload(self) -> dict[str, Any]:
        """As `minibento reload` does."""
        return ask(self.directory, {"do": "reload"})


@contextmanager
def running(folder: Path, target: str = "service.py", **environment: str) -> Iterator[Running]:
    """Serve what is in `folder`, with its store there too."""
    pythonpath = str(Path(__file__).parents[2])
    with (
        # Paths of sockets are limited to 107 bytes, which those of pytest's folders would exceed.
        TemporaryDirectory(prefix="mb-") as run,
        testing.serve(
            target,
            folder=folder,
            environment={
                "PYTHONPATH": pythonpath,
                "MINIBENTO_HOME": str(folder / "home"),
                "MINIBENTO_RUN_DIR": run,
                **environment,
            },
        ) as server,
        httpx2.Client(base_url=server.url, timeout=20) as http,
    ):
        yield Running(server, Path(run) / str(server.pid), http)


@dataclass
class Load:
    """Requests one after the other in several threads, until it is stopped."""

    ask: Callable[[httpx2.Client], object]
    url: str
    answers: list[object] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def running(self, threads: int = 4) -> Iterator["Load"]:
        """Ask until the end of the block."""
        self._stop = threading.Event()
        asking = [threading.Thread(target=self._work) for _ in range(threads)]
        for one in asking:
            one.start()
        try:
            yield self
        finally:
            self._stop.set()
            for one in asking:
                one.join(30)

    def until_answered(self, count: int, seconds: float = 30.0) -> None:
        """Wait until so many more answers have come."""
        wanted, end = len(self.answers) + count, time.monotonic() + seconds
        while len(self.answers) < wanted:
            assert time.monotonic() < end, f"{len(self.answers)} answers, {self.failures[:3]}"
            threading.Event().wait(0.01)

    def _work(self) -> None:
        with httpx2.Client(base_url=self.url, timeout=20) as http:
            while not self._stop.is_set():
                try:
                    self.answers.append(self.ask(http))
                except Exception as error:  # noqa: BLE001 - whatever fails is counted
                    self.failures.append(repr(error))
