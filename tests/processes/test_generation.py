"""One start of a service, without its processes."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

import pytest

from minibento.config.settings import Config
from minibento.processes.place import Place
from minibento.processes.supervisor import generation
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.generation import Generation
from minibento.processes.supervisor.plan import Plan


def made(folder: Path) -> Generation:
    """A generation whose API workers accept nothing, as it has none."""
    place = Place(folder, "service", "Iris")
    nobody = cast("Any", None)
    plan = Plan(lambda: place, Config(), [], folder, False, nobody, nobody, nobody)
    return Generation(plan, 1)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 20))


def test_api_workers_that_never_accept_are_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_GO_SECONDS", 0.01)

    async def test() -> None:
        with pytest.raises(StartFailed, match="not all API workers accept requests"):
            await made(tmp_path).go()

    run(test())
