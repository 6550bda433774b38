"""A process that has ended is told from one whose connection has."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from minibento.wire import peer


@pytest.fixture
def process() -> Iterator["subprocess.Popen[bytes]"]:
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield made
    made.kill()
    made.communicate()


def found(pid: int, meanwhile: Callable[[], None] = lambda: None) -> bool:
    async def ask() -> bool:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        peer.when_ended(pid, answer.set_result)
        meanwhile()
        return await answer

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(ask(), 20))


def test_a_process_that_ends_has_ended(process: "subprocess.Popen[bytes]") -> None:
    assert found(process.pid, process.kill)


def test_a_process_that_nobody_has_collected_has_ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert found(process.pid)


def test_a_process_that_is_gone_has_ended(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait(20)
    assert found(process.pid)


def test_a_process_that_lives_on_has_not_ended(
    process: "subprocess.Popen[bytes]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "_END_SECONDS", 0.02)
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert not found(process.pid)
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_without_a_free_descriptor_nobody_is_accused(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_is_free(_: int) -> int:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", none_is_free)
    assert not found(1)
