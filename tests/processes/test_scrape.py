"""What the supervisor keeps of what its processes report."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from minibento.metrics import Family, Metrics
from minibento.processes.supervisor.scrape import Scrape


def _future() -> "asyncio.Future[str]":
    return asyncio.get_running_loop().create_future()


@dataclass(eq=False)
class Process:
    pid: int
    title: str = "api-worker-0"
    is_ready: bool = True
    ended: "asyncio.Future[str]" = field(default_factory=_future)
    heard: "asyncio.Queue[dict[str, Any]]" = field(default_factory=asyncio.Queue)

    def say(self, document: dict[str, Any]) -> None:
        self.heard.put_nowait(document)


def counted() -> list[Family]:
    metrics = Metrics()
    metrics.gauge("requests_in_flight", "").value().set(1)
    metrics.counter("requests_total", "").value().add(2)
    return metrics.snapshot()


async def totals(scrape: Scrape, process: Process) -> dict[str, float]:
    """What the process is told of all, by family."""
    scrape.asked(cast("Any", process), 1)
    told = await asyncio.wait_for(process.heard.get(), 5)
    return {one["name"]: one["series"][0][1] for one in told["totals"] if one["series"]}


def test_of_a_process_that_has_ended_the_counts_stay_though_it_was_never_ready() -> None:
    async def body() -> None:
        asking = Process(1)
        scrape = Scrape(list, list)
        for pid in (2, 3):
            dying = Process(pid, is_ready=False)
            scrape.reported(cast("Any", dying), {"metrics": counted()})
            scrape.reported(cast("Any", dying), {"metrics": counted()})
            dying.ended.set_result("exit code 1")
        await asyncio.sleep(0)
        scrape.reported(cast("Any", asking), {"metrics": counted()})
        found = await totals(scrape, asking)
        assert found == {"requests_in_flight": 1.0, "requests_total": 6.0}

    asyncio.run(body())
