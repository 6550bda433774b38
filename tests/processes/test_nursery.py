"""The prepared process of one kind of worker, and what it is made of."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from minibento.processes.place import Place
from minibento.processes.supervisor import reaper
from minibento.processes.supervisor.failure import StartFailed
from minibento.processes.supervisor.kind import Kind
from minibento.processes.supervisor.nursery import Nursery
from minibento.processes.supervisor.reaper import Reaper
from minibento.processes.supervisor.spawning import blank


def of_no_service(folder: Path) -> Kind:
    """Preparing it fails, and says why."""
    first: dict[str, Any] = {
        "kind": "api",
        "place": Place(folder, "nowhere", "Iris").to_json(),
        "pins": {},
        "folder": str(folder),
        "bundle": None,
        "log": {"format": "json", "level": "info"},
    }
    return Kind("api", first, {}, True, 15.0, False)


def test_a_process_that_was_started_ahead_and_has_ended_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How it ended is not known any more: nobody asked in time."""
    monkeypatch.setattr(reaper, "_UNCLAIMED_SECONDS", 0.0)

    async def body() -> None:
        ended = asyncio.Event()
        children = Reaper(asyncio.get_running_loop(), lambda _: ended.set())
        nursery = Nursery(of_no_service(tmp_path), children)
        nursery.blank = blank(os.environ, terminal=False)
        os.kill(nursery.blank.pid, signal.SIGKILL)
        await ended.wait()
        await asyncio.sleep(0.01)
        try:
            with pytest.raises(StartFailed, match="nowhere"):
                await nursery.prepare()
        finally:
            nursery.close()
            children.close()

    asyncio.run(asyncio.wait_for(body(), 30))
