"""The service that is broken here: every request carries a number that its answer has again."""

import asyncio
import json
import random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from minibento.testing.chaos.connection import encode
from minibento.testing.chaos.load import Load, Outcome, Request, Verdict, arrivals
from tests.processes.serving import Running

SERVICE = """
import ctypes
import threading
import time

import minibento


class Model:
    def __init__(self) -> None:
        time.sleep(LOADS)
        self.calls = 0

    @minibento.method(batchable=True)
    def treat(self, items: list[dict[str, object]]) -> list[list[int]]:
        self.calls += 1
        kinds = {item["kind"] for item in items}
        if kinds & {"segv", "poison"}:
            ctypes.string_at(0)
        if "hang" in kinds:
            threading.Event().wait()
        if "huge" in kinds:
            bytearray(10 * 2**30)
        time.sleep(0.1 if "slow" in kinds else 0.02)
        if "bad" in kinds:
            raise ValueError("one of these is bad")
        answers = [[item["nonce"], 2 * item["nonce"]] for item in items]
        if "short" in kinds:
            return answers[:-1]
        if "none" in kinds:
            return None
        if "other" in kinds:
            return [object() for _ in items]
        return answers

    @minibento.method
    def called(self) -> int:
        return self.calls


@minibento.service(timeout=TIMEOUT)
class Echo:
    model = minibento.Runner(Model, workers=WORKERS, max_batch_size=BATCH, preload=True)

    @minibento.api
    async def treat(self, item: dict[str, object]) -> list[int]:
        return await self.model.treat(item)

    @minibento.api
    async def together(self, items: list[dict[str, object]]) -> list[object]:
        done = await self.model.treat.batch(items, return_errors=True)
        return [None if isinstance(one, Exception) else one for one in done]

    @minibento.api
    async def called(self) -> int:
        return await self.model.called()
"""
_NONCES = count(1)


def service(
    folder: Path, *, workers: int = 2, batch: int = 8, timeout: float = 10.0, loads: float = 0.0
) -> Path:
    """Write it."""
    text = SERVICE.replace("WORKERS", str(workers)).replace("BATCH", str(batch))
    text = text.replace("TIMEOUT", str(timeout)).replace("LOADS", str(loads))
    (folder / "service.py").write_text(text)
    return folder


def broken_service(folder: Path, old: str, new: str, **options: int) -> None:
    """Write it with something otherwise: what the detectors must see."""
    text = (service(folder, **options) / "service.py").read_text()
    assert old in text
    (folder / "service.py").write_text(text.replace(old, new))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and what became of it."""

    kind: str
    request: Request
    outcome: Outcome

    @property
    def crossed(self) -> bool:
        """Whether it got somebody else's answer."""
        return self.outcome.status == 200 and self.outcome.body != self.request.expected


def request(kind: str = "good", patience: float = 30.0, *, leaves: bool = False) -> Request:
    """One with a number of its own."""
    # One that kills and is the same each time, or one that is another one each time.
    nonce = 0 if kind == "poison" else next(_NONCES)
    body = json.dumps({"nonce": nonce, "kind": kind}).encode()
    return Request(encode("/treat", body), f"[{nonce},{2 * nonce}]".encode(), patience, leaves)


def address(server: Running) -> tuple[str, int]:
    """Of a server."""
    host, _, port = server.server.url.removeprefix("http://").partition(":")
    return host, int(port)


def offered(server: Running, kinds: Iterable[str], rate: float) -> list[Asked]:
    """Ask for all of these, so many a second; callers of kind `leaving` do not wait."""
    chance = random.Random(1)
    plan = [
        (kind, request("good", chance.uniform(0, 0.333), leaves=True))
        if kind == "leaving"
        else (kind, request(kind))
        for kind in kinds
    ]

    async def offer() -> list[Outcome]:
        load = Load(*address(server))
        start = time.monotonic() + 0.1
        due = arrivals(rate, start, start + (len(plan) + 1) / rate)
        try:
            return await load.offer(zip(due, (one for _, one in plan), strict=False))
        finally:
            load.close()

    outcomes = asyncio.run(offer())
    assert len(outcomes) == len(plan)
    return [Asked(kind, one, outcome) for (kind, one), outcome in zip(plan, outcomes, strict=True)]


def lost(asked: Sequence[Asked], kind: str = "good") -> list[Outcome]:
    """Of the requests of this kind those that were let down."""
    return [one.outcome for one in asked if one.kind == kind and one.outcome.verdict.is_lost]


def percentile(asked: Sequence[Asked], share: float) -> float:
    """Of the seconds of those that were answered."""
    times = sorted(one.outcome.seconds for one in asked if one.outcome.verdict is Verdict.ANSWERED)
    return times[min(int(share * len(times)), len(times) - 1)]


def gauges(server: Running) -> dict[str, float]:
    """What must be zero when nothing is under way."""
    found = {}
    for line in server.http.get("/metrics").text.splitlines():
        name, _, value = line.rpartition(" ")
        if name.startswith(("minibento_queue_length", "minibento_requests_in_flight")):
            found[name] = float(value)
    return found
