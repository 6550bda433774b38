"""One server in a process group of its own: started, checked, stopped; knows no load."""

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.failures import MeasurementFailed
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import offer
from benchmarks.workload import Workload
from benchmarks.workplace import ROOT, THREADS

__all__ = ["Contestant", "Server"]

START_SECONDS = 60.0
STOP_SECONDS = 5.0
SETTLE_SECONDS = 30.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Contestant:
    """What is measured.

    Attributes:
        command: Arguments, `{port}` and `{directory}` to be filled in.
        prepare: Called once before the start.
    """

    name: str
    command: tuple[str, ...]
    workload: Workload
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] = lambda: None


class Server:
    """A contestant that runs, from `with Server(contestant, directory):` on.

    Raises:
        MeasurementFailed: it does not start, or answers wrongly, alone or many at once.
    """

    def __init__(self, contestant: Contestant, directory: Path) -> None:
        self.contestant = contestant
        self.port = _free_port()
        self._directory = directory
        self._log = directory / f"{contestant.name}-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.contestant.prepare()
        self.start()
        try:
            self._await_answer()
            self.verify()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the first process of the group."""
        assert self._process is not None, "not running"
        return self._process.pid

    def verify(self) -> None:
        """Ask everything at once, twice over, so that batches form, and compare every answer."""
        workload = self.contestant.workload
        requests = [encode(workload.path, body) for body in workload.bodies]
        outcomes = asyncio.run(
            offer(self.port, requests, [0.0] * (2 * len(requests)), grace=30.0, keep_bodies=True)
        )
        for index, outcome in enumerate(outcomes):
            workload.check(index % len(requests), outcome.status, outcome.body)

    def settle(self, seconds: float = SETTLE_SECONDS) -> bool:
        """Wait until what a load left behind is worked off: until one right answer came."""
        try:
            status, body = self._ask(seconds)
        except TimeoutError:
            return False
        except OSError as error:
            raise self._failed(f"does not answer after the load: {error!r}") from error
        self.contestant.workload.check(0, status, body)
        return True

    def restart(self) -> None:
        """Begin again with a new process on the same port."""
        self.stop()
        self.start()
        self._await_answer()

    def stop(self) -> None:
        """End the process group, gently first."""
        if self._process is None:
            return
        for kind, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, None)):
            try:
                os.killpg(self._process.pid, kind)
                self._process.wait(seconds)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self._process = None

    def start(self) -> None:
        """Start its processes and wait for nothing."""
        command = [
            argument.format(port=self.port, directory=self._directory)
            for argument in self.contestant.command
        ]
        environment = {
            **os.environ,
            **dict.fromkeys(THREADS, "1"),
            **self.contestant.environment,
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await_answer(self) -> None:
        assert self._process is not None
        end = time.monotonic() + START_SECONDS
        status, body = 0, b""
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise self._failed(f"ended with status {self._process.returncode}")
            try:
                status, body = self._ask(end - time.monotonic())
            except (OSError, http.client.HTTPException):
                status = 0
            if status in {0, 503}:  # not there yet, or says itself that it is not ready
                time.sleep(POLL_SECONDS)
                continue
            self.contestant.workload.check(0, status, body)
            return
        raise self._failed(f"has not answered within {START_SECONDS:.0f} s (status {status})")

    def _ask(self, seconds: float) -> tuple[int, bytes]:
        workload = self.contestant.workload
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", workload.path, workload.bodies[0], headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def _failed(self, what: str) -> MeasurementFailed:
        tail = self._log.read_text("utf-8", "replace").strip()[-300:]
        return MeasurementFailed(f"{self.contestant.name} {what}; its log ends with: {tail}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
