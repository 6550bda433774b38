"""A worker as its supervisor sees it, with a process that does nothing in its place."""

import asyncio
import logging
import socket
import subprocess

import pytest

from minibento.processes.supervisor.reaper import Reaper
from minibento.processes.supervisor.worker_process import WorkerProcess
from minibento.processes.vitals import VitalsPage


def test_a_worker_that_lives_on_after_it_was_killed_is_told_of_once(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The log of a server goes no further than its own handler.
    monkeypatch.setattr(logging.getLogger("minibento"), "propagate", True)

    child = subprocess.Popen(["sleep", "60"])

    async def killed() -> str:
        reaper = Reaper(asyncio.get_running_loop())
        ours, theirs = socket.socketpair()
        worker = WorkerProcess("worker", ours, VitalsPage(), reaper, lambda *_: None)
        worker.known_as(child.pid)
        try:
            # Nobody hears of its end before the loop turns.
            for _ in range(5):
                worker.kill("it has been silent for 1.1 s")
            async with asyncio.timeout(10):
                return await worker.ended
        finally:
            child.returncode = 0  # the reaper has collected it
            theirs.close()
            reaper.close()

    assert asyncio.run(killed()) == "killed by SIGKILL"
    assert [record.getMessage().partition("is ")[2] for record in caplog.records] == [
        "killed: it has been silent for 1.1 s"
    ]
