"""Whose server may be broken: nobody else's."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minibento.errors import UsageError
from minibento.processes import rundir
from minibento.testing.chaos.target import Process, Target, find


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mb-") as folder:
        yield Path(folder)


@pytest.fixture
def environment(base: Path) -> Iterator[dict[str, str]]:
    made = rundir.make(base)
    made.publish("Iris", "http://127.0.0.1:3000")
    yield {"MINIBENTO_RUN_DIR": str(base)}
    made.remove()


def test_a_server_of_this_user_is_found_by_its_address(environment: dict[str, str]) -> None:
    for url in ("http://127.0.0.1:3000", "http://localhost:3000/", "http://127.0.0.1:3000/docs"):
        target = find(url, environment)
        assert (target.server.pid, target.port) == (os.getpid(), 3000)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://192.0.2.1:3000", "192.0.2.1, which is not this machine"),
        ("http://[2001:db8::1]:3000", "2001:db8::1, which is not this machine"),
        ("http://255.255.255.255:3000", "which is not this machine"),
        ("http://nosuch.invalid:3000", "is not known here"),
        ("http://127.0.0.1:3001", "no server of this user answers at http://127.0.0.1:3001"),
        ("http://127.0.0.2:3000", "there is: http://127.0.0.1:3000"),
        ("http://127.0.0.1:99999", "is no address of a server"),
        ("https://127.0.0.1:3000", "is no address of a server"),
        ("127.0.0.1:3000", "is no address of a server"),
        ("file:///etc/passwd", "is no address of a server"),
    ],
)
def test_anything_else_is_refused(environment: dict[str, str], url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")):
        find(url, environment)


def test_a_server_that_is_gone_is_not_found(base: Path) -> None:
    made = rundir.make(base)
    made.publish("Iris", "http://127.0.0.1:3000")
    made.remove()
    with pytest.raises(UsageError, match="there is: none"):
        find("http://127.0.0.1:3000", {"MINIBENTO_RUN_DIR": str(base)})


def test_a_server_on_all_addresses_is_found_by_each_of_this_machine(base: Path) -> None:
    made = rundir.make(base)
    made.publish("Iris", "http://0.0.0.0:3000")
    for host in ("127.0.0.2", "0.0.0.0"):
        assert find(f"http://{host}:3000", {"MINIBENTO_RUN_DIR": str(base)}).host == host
    made.remove()


def test_only_children_of_the_server_get_a_signal(base: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(child.pid, "api-worker", "api-worker 0", "ready", None, None)
    try:
        for pid, told in ((1, False), (os.getpid(), True)):
            server = rundir.Running("Iris", pid, "http://127.0.0.1:3000", base)
            target = Target(server, "127.0.0.1", 3000)
            assert target.signal(process, signal.SIGKILL) is told
        assert child.wait(10) == -signal.SIGKILL
        assert not target.signal(process, signal.SIGKILL)
    finally:
        child.kill()
        child.communicate()
