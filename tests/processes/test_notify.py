"""What systemd is told, read from a real socket."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from minibento.processes.notify import Notify


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as reader:
        name = "\0minibento" + uuid4().hex
        reader.bind(name if request.param == "abstract" else str(tmp_path / "notify"))
        reader.settimeout(5)
        yield reader


def environment(manager: socket.socket) -> dict[str, str]:
    name = manager.getsockname()
    return {"NOTIFY_SOCKET": "@" + name[1:].decode() if isinstance(name, bytes) else name}


def told(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().split("\n")


def test_each_state_is_told_in_one_datagram(manager: socket.socket) -> None:
    notify = Notify(environment(manager))
    notify.ready("Serving CreditRisk on port 3000")
    assert told(manager) == ["READY=1", "STATUS=Serving CreditRisk on port 3000"]
    notify.stopping()
    assert told(manager) == ["STOPPING=1"]
    notify.status("2 of 2 workers")
    assert told(manager) == ["STATUS=2 of 2 workers"]
    notify.main_pid(77)
    assert told(manager) == ["MAINPID=77"]
    notify.watchdog()
    assert told(manager) == ["WATCHDOG=1"]


def test_a_reload_is_told_with_the_monotonic_time(manager: socket.socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notify(environment(manager)).reloading("Reloading")
    first, when, status = told(manager)
    after = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert (first, status) == ("RELOADING=1", "STATUS=Reloading")
    assert before <= int(when.removeprefix("MONOTONIC_USEC=")) <= after


def test_a_status_cannot_begin_another_assignment(manager: socket.socket) -> None:
    Notify(environment(manager)).status("failed:\nREADY=1\r\n\udcff \u2028 x")
    assert told(manager) == ["STATUS=failed: READY=1 \\udcff x"]


def test_children_do_not_inherit_the_way(manager: socket.socket) -> None:
    variables = environment(manager) | {"WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    Notify(variables)
    assert variables == {"HOME": "/"}


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getppid())}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "3000000", "NOTIFY_SOCKET": ""}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(
    variables: dict[str, str], seconds: float | None
) -> None:
    assert Notify({"NOTIFY_SOCKET": "/x"} | variables).watchdog_seconds == seconds


@pytest.mark.parametrize("address", ["", "@", "/", "/nobody/here", "vsock:2:99", "/" + "x" * 300])
def test_who_cannot_be_told_is_no_error(address: str) -> None:
    notify = Notify({"NOTIFY_SOCKET": address})
    notify.ready("Ready")
    notify.watchdog()


def test_without_a_manager_nothing_is_told() -> None:
    Notify({}).ready("Ready")


def test_a_manager_that_does_not_read_does_not_stop_the_server(manager: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer, suppress(BlockingIOError):
        writer.setblocking(False)
        for _ in range(100_000):
            writer.sendto(b"x", manager.getsockname())
        raise AssertionError("the queue has no end")
    begun = time.monotonic()
    Notify(environment(manager)).watchdog()
    assert time.monotonic() - begun < 2
