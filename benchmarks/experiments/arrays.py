"""1 MiB of float32 to a model, its sum back: as a file and as JSON, by our wire and by pickle."""

import asyncio
import io
import json
import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import uvloop

from benchmarks.contestants import served
from benchmarks.failures import MeasurementFailed
from benchmarks.field import running
from benchmarks.report import Goal, Report
from benchmarks.rounds import interleave
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workload import Workload
from minibento.wire.listening import listening
from minibento.wire.messages import Call, Reply
from minibento.wire.unix import Listener, UnixChannel, connect
from minibento.wire.values import decode, encode

__all__ = ["run"]

FILE, JSON = "HTTP, .npy", "HTTP, JSON list"
WIRE, PIPE = "wire", "pickle through a pipe"
TIMES_JSON, TIMES_PIPE = 15.0, 1.5
VALUES = 2**18


def run(settings: Settings) -> list[Report]:
    """One after the other on one connection each: requests per second are 1 / latency."""
    values = np.random.default_rng(1).random(VALUES, dtype=np.float32)
    right = float(values.sum())
    contestant = served(
        "arrays", "minibento_arrays:Arrays", _workload(values), settings.place.environment("light")
    )
    measure: dict[str, Callable[[], float]] = {}
    with (
        running([contestant], settings.place.directory) as field,
        _Wire(settings.place.directory / "arrays.sock") as wire,
        _Pipe() as pipe,
    ):
        for server in field.servers.values():
            for name, (kind, body) in _bodies(values).items():
                measure[name] = partial(_over_http, server, kind, body, right, settings.seconds)
        measure[WIRE] = partial(_between, wire.total, values, right, settings.seconds)
        measure[PIPE] = partial(_between, pipe.total, values, right, settings.seconds)
        interleave(list(measure), 1, lambda case: measure[case]())
        measured = interleave(list(measure), settings.rounds, lambda case: measure[case]())
    rates = {case: statistics.median(found) for case, found in measured.figures.items()}

    def times(case: str, base: str) -> float | None:
        return rates[case] / rates[base] if case in rates and base in rates else None

    return [
        Report(
            "Arrays of 1 MiB",
            f"{VALUES:,} numbers of float32, their sum is answered by another process; one caller, "
            f"medians of {settings.rounds} interleaved rounds of {settings.seconds} s.",
            ["way", "arrays/s", "ms", "min..max arrays/s"],
            [
                [
                    case,
                    f"{rates[case]:,.1f}",
                    f"{1e3 / rates[case]:.2f}",
                    f"{min(found):,.1f}..{max(found):,.1f}",
                ]
                for case, found in measured.figures.items()
            ],
            [
                Goal(f"{FILE} / {JSON}", times(FILE, JSON), at_least=TIMES_JSON),
                Goal(f"{WIRE} / {PIPE}", times(WIRE, PIPE), at_least=TIMES_PIPE),
            ],
            {**field.failures, **measured.failures},
        )
    ]


def _bodies(values: Any) -> dict[str, tuple[str, bytes]]:
    file = io.BytesIO()
    np.save(file, values)
    return {
        FILE: ("application/x-npy", file.getvalue()),
        JSON: ("application/json", json.dumps(values.tolist()).encode()),
    }


def _workload(values: Any) -> Workload:
    """A few numbers, as JSON: enough to see that it answers rightly."""
    few = values[:8]
    return Workload(
        "/classify", (json.dumps(few.tolist()).encode(),), ({"total": float(few.sum())},)
    )


def _over_http(server: Server, kind: str, body: bytes, right: float, seconds: float) -> float:
    """Requests per second of one client."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Content-Type": kind}
    count, start = 0, time.perf_counter()
    try:
        while time.perf_counter() < start + seconds:
            connection.request("POST", "/classify", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200 or not np.isclose(json.loads(said)["total"], right, rtol=1e-4):
                raise MeasurementFailed(f"{answer.status} {said[:200]!r}, right is {right}")
            count += 1
        return count / (time.perf_counter() - start)
    finally:
        connection.close()


def _between(total: Callable[[Any], float], values: Any, right: float, seconds: float) -> float:
    count, start = 0, time.perf_counter()
    while time.perf_counter() < start + seconds:
        if not np.isclose(total(values), right, rtol=1e-4):
            raise MeasurementFailed(f"the sum is wrong, right is {right}")
        count += 1
    return count / (time.perf_counter() - start)


class _Pipe:
    """A child process that adds up what comes through multiprocessing's pipe."""

    def __enter__(self) -> "_Pipe":
        ways = multiprocessing.get_context("spawn")
        self._connection, theirs = ways.Pipe()
        self._process = ways.Process(target=_add_up_pickled, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        return self

    def total(self, values: Any) -> float:
        self._connection.send(values)
        return float(self._connection.recv())

    def __exit__(self, *_: object) -> None:
        self._connection.close()
        self._process.join()


def _add_up_pickled(connection: Connection) -> None:
    while True:
        try:
            connection.send(float(connection.recv().sum()))
        except EOFError:
            return


class _Wire:
    """A child process that adds up what comes by our wire."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> "_Wire":
        ways = multiprocessing.get_context("spawn")
        self._process = ways.Process(target=_add_up_calls, args=(self._path,), daemon=True)
        self._process.start()
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._channel = self._runner.run(_connected(self._path))
        return self

    def total(self, values: Any) -> float:
        return self._runner.run(self._total(values))

    async def _total(self, values: Any) -> float:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._channel.receive(answered.set_result)
        self._channel.send(Call(1, "total", encode(values)))
        return float(decode(*(await answered).payload))

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.join()
        self._runner.close()


async def _connected(path: Path) -> UnixChannel:
    end = time.monotonic() + 20
    while True:
        try:
            return await connect(path)
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


def _add_up_calls(path: Path) -> None:
    async def serve() -> None:
        listener = Listener(listening(path), answer)
        listener.start()
        await asyncio.Event().wait()

    def answer(channel: UnixChannel) -> None:
        def received(call: Any) -> None:
            total = float(decode(*call.payload).sum())
            channel.send(Reply(call.id, encode(total), 1, 0.0, 0.0))

        channel.receive(received)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
