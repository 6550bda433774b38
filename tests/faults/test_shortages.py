"""What a server needs runs out for a while: descriptors, processes, time of a processor, files."""

import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.faults.model import address, service
from tests.processes.launching import launched, until
from tests.processes.serving import Running, running

GOOD = {"nonce": 1, "kind": "good"}
# In front of a service: its nursery, or the process between that and a worker, cannot fork as long
# as there is a file `full`.
NO_FORK = """
import os
import pathlib

_fork, _nursery = os.fork, os.getpid()


def fork():
    if pathlib.Path("full").exists() and (os.getpid() == _nursery) == FIRST:
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return _fork()


os.fork = fork
"""


def says(server: Running, words: str) -> None:
    """Wait until the log does."""
    until(lambda: words in server.server.output, 20, lambda: server.server.output)


def asked_anew(server: Running) -> int:
    """The status of an answer over a new connection."""
    with httpx2.Client(base_url=server.server.url, timeout=20) as http:
        return http.post("/treat", json=GOOD).status_code


@pytest.mark.parametrize("first", [True, False])
def test_a_nursery_that_cannot_fork_keeps_its_model_until_it_can(
    tmp_path: Path, *, first: bool
) -> None:
    service(tmp_path, workers=1)
    path = tmp_path / "service.py"
    path.write_text(NO_FORK.replace("FIRST", str(first)) + path.read_text())
    with running(tmp_path) as server:
        (tmp_path / "full").touch()
        server.kill("runner-worker")
        says(server, "did not start: no process can be forked at the moment: [Errno 11]")
        (tmp_path / "full").unlink()
        server.until(lambda status: status["state"] == "ready")
        assert server.post("/treat", GOOD) == [1, 2]
        assert [one["restarts"] for one in server.processes("runner-nursery")] == [0]


def test_who_finds_no_descriptor_is_told_of_and_the_next_ones_are_answered(tmp_path: Path) -> None:
    service(tmp_path, workers=1)
    with running(tmp_path, MINIBENTO_API_WORKERS="1") as server:
        assert server.post("/treat", GOOD) == [1, 2]
        (pid,) = server.pids("api-worker")
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len([*Path(f"/proc/{pid}/fd").iterdir()])
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, before[1]))
        crowd = [socket.create_connection(address(server)) for _ in range(30)]
        says(server, "no descriptor is free, so that new connections are closed without an answer")
        # Who is in is answered.
        assert server.post("/treat", GOOD) == [1, 2]
        for one in crowd:
            one.close()
        says(server, "descriptors are free again")
        assert asked_anew(server) == 200
        assert [one["restarts"] for one in server.processes("api-worker")] == [0]
        assert server.server.output.count("no descriptor is free") == 1


def test_a_server_asks_for_as_many_descriptors_as_it_may_have(tmp_path: Path) -> None:
    service(tmp_path, workers=1)
    few = ["sh", "-c", 'ulimit -Sn 100 && ulimit -Hn 3000 && exec "$@"', "sh"]
    with launched(tmp_path, before=few) as server:
        assert server.url
        limits = {
            line.split()[3]
            for pid in server.left()
            for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
            if line.startswith("Max open files")
        }
        assert limits == {"3000"}


def test_why_a_worker_cannot_be_reached_is_told(tmp_path: Path) -> None:
    """Shared memory has a size, and that of files is limited."""
    service(tmp_path, workers=1, timeout=0.5)
    small = ["sh", "-c", 'ulimit -f 8 && exec "$@"', "sh"]
    with launched(tmp_path, before=small) as server:
        url = server.url
        server.prints(r"runner 'model': no connection to \S+: \[Errno 27\] File too large")
        with httpx2.Client(base_url=url, timeout=10) as http:
            assert http.get("/livez").status_code == 200
            assert http.get("/readyz").status_code == 503


@contextmanager
def crowded_out(pid: int) -> Iterator[None]:
    """Leave a process next to nothing of one processor, until the end of the block."""
    processor = min(os.sched_getaffinity(0))
    spin = [sys.executable, "-c", f"import os\nos.sched_setaffinity(0, [{processor}])\nwhile 1: 0"]
    crowd = [subprocess.Popen(spin) for _ in range(3)]
    try:
        for one in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(one.name), [processor])
            os.sched_setscheduler(int(one.name), os.SCHED_IDLE, os.sched_param(0))
        yield
    finally:
        for other in crowd:
            other.kill()
            other.wait()


def test_a_worker_that_gets_no_processor_is_not_taken_for_dead(tmp_path: Path) -> None:
    """Another one in its place would get none either, and would have to start."""
    service(tmp_path, workers=1)
    with running(tmp_path) as server:
        (worker,) = server.pids("runner-worker")
        with crowded_out(worker):
            threading.Event().wait(3)
            assert server.pids("runner-worker") == [worker], server.server.output
        assert "killed" not in server.server.output
        assert server.post("/treat", GOOD) == [1, 2]
