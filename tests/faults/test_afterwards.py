"""That what is looked for after each fault is found where it is: the controls of all tests here."""

import os
import signal
from pathlib import Path

import pytest

from tests.faults import afterwards
from tests.faults.afterwards import descriptors, holds, zombies
from tests.processes.launching import until
from tests.processes.serving import running

LEAKING = """
import os

import minibento


class Model:
    @minibento.method
    def leak(self, count: int) -> int:
        for _ in range(count):
            os.dup(1)
        return count


@minibento.service
class Leaking:
    model = minibento.Runner(Model)

    @minibento.api
    async def api(self, count: int) -> int:
        for _ in range(count):
            os.dup(1)
        return count

    @minibento.api
    async def runner(self, count: int) -> int:
        return await self.model.leak(count)
"""


@pytest.mark.parametrize("place", ["api", "runner"])
def test_what_a_process_leaves_open_is_seen(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(afterwards, "_SECONDS", 0.5)
    (tmp_path / "service.py").write_text(LEAKING)
    with running(tmp_path) as server:
        server.post(f"/{place}", 0)
        before = descriptors(server)
        holds(server, before)
        server.post(f"/{place}", 3)
        with pytest.raises(AssertionError, match=f"{place}-worker"):
            holds(server, before)


def test_the_dead_that_nobody_has_buried_are_seen(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(LEAKING)
    with running(tmp_path) as server:
        assert zombies(server) == []
        os.kill(server.server.pid, signal.SIGSTOP)
        try:
            (pid,) = [pid for pid in children(server.server.pid) if "runner-worker" in title(pid)]
            os.kill(pid, signal.SIGKILL)
            until(lambda: zombies(server) == [pid])
        finally:
            os.kill(server.server.pid, signal.SIGCONT)
        until(lambda: zombies(server) == [])


def children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()
