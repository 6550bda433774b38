"""The whole server stands still for a while, as with `docker pause`: nobody is to blame for it."""

import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from minibento.processes.supervisor.kernel_view import look_at
from tests.faults.model import address, lost, offered, percentile, request, service
from tests.processes.launching import until
from tests.processes.serving import Running, running

# It computes until there is a file.
LONG = """
import pathlib
import time

import minibento


class Model:
    @minibento.method
    def compute(self) -> bool:
        while not pathlib.Path("enough").exists():
            time.sleep(0.01)
        return True


@minibento.service(timeout=2.0)
class Computing:
    model = minibento.Runner(Model)

    @minibento.api
    async def compute(self) -> bool:
        return await self.model.compute()
"""
# After a pause it judges nobody for 1.5 s, whatever computes.
PATIENCE_SECONDS = 1.5


@contextmanager
def paused(server: Running) -> Iterator[None]:
    """Stop all of its processes, and let them go on after the block, their supervisor first."""
    pids = [one["pid"] for one in server.status()["processes"]]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: all((seen := look_at(pid)) and seen.stopped for pid in pids))
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def deaths(server: Running) -> dict[str, int]:
    """How many processes were replaced, by role."""
    found: Counter[str] = Counter()
    for one in server.status()["processes"]:
        found[one["role"]] += one["restarts"]
    return dict(+found)


def held_up(folder: Path, seconds: float) -> None:
    """Stand still for so long under load."""
    service(folder, workers=2, timeout=30.0)
    with running(folder, MINIBENTO_API_WORKERS="2", MINIBENTO_ACCESS_LOG="false") as server:
        wait = threading.Event().wait

        def pause() -> None:
            wait(0.5)
            with paused(server):
                wait(seconds)

        pausing = threading.Thread(target=pause)
        pausing.start()
        asked = offered(server, ["good"] * int(100 * (seconds + 1.5)), 100)
        pausing.join()
        after = offered(server, ["good"] * 50, 100)
        print(f"paused for {seconds} s: n={len(asked)}, {len(lost(asked))} lost")
        assert lost(asked) == lost(after) == []
        assert percentile(after, 0.99) < 1.0
        assert deaths(server) == {}, server.server.output
        assert server.http.get("/readyz").status_code == 200


def test_who_stood_still_together_goes_on_together(tmp_path: Path) -> None:
    held_up(tmp_path, 1.5)


@pytest.mark.slow
def test_twenty_seconds_are_like_one_and_a_half(tmp_path: Path) -> None:
    held_up(tmp_path, 20.0)


def test_what_came_in_a_pause_came_in_time(tmp_path: Path) -> None:
    """On connections that idle, and behind the first bytes of a request, past their time."""
    service(tmp_path, workers=1)
    whole = request().data
    short = {f"MINIBENTO_LIMITS__{one}_SECONDS": "1" for one in ("KEEP_ALIVE", "HEADERS", "BODY")}
    with running(tmp_path, MINIBENTO_API_WORKERS="1", **short) as server:
        silent = socket.create_connection(address(server), timeout=20)
        connections = {
            cut: [socket.create_connection(address(server), timeout=20) for _ in range(5)]
            for cut in (0, 20, len(whole) - 5)
        }
        for cut, ones in connections.items():
            for one in ones:
                one.sendall(whole[:cut] if cut else whole)
                assert cut or b" 200 " in one.recv(1000)
        with paused(server):
            for cut, ones in connections.items():
                for one in ones:
                    one.sendall(whole[cut:])
            threading.Event().wait(1.2)
        for ones in connections.values():
            for one in ones:
                assert b" 200 " in one.recv(1000), server.server.output
                one.close()
        # Who said nothing is sent away as ever.
        assert silent.recv(1) == b""
        silent.close()


@pytest.mark.slow
def test_a_batch_may_end_though_its_deadline_passed_in_a_pause(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(LONG)
    with running(tmp_path) as server:
        answers = []

        def ask() -> None:
            answers.append(server.http.post("/compute").status_code)

        asking = threading.Thread(target=ask)
        asking.start()
        server.until(lambda status: any(one["state"] == "computing" for one in status["processes"]))
        with paused(server):
            threading.Event().wait(2.0)
        asking.join()
        # Its caller's time is up, and the model is not to be loaded again for that.
        assert answers == [504]
        threading.Event().wait(PATIENCE_SECONDS + 0.75)
        (tmp_path / "enough").touch()
        server.until(lambda status: all(one["state"] == "ready" for one in status["processes"]))
        assert deaths(server) == {}, server.server.output
