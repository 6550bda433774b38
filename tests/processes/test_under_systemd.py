"""What a server tells systemd, on a socket of the same kind, and how it takes systemd's signals."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from minibento.processes.asking import ask
from tests.processes.launching import Launched, launched, until
from tests.processes.test_stopping import SERVICE, Clients


class Manager:
    """Collects what it is told, as systemd does."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.told: list[tuple[float, str]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def has(self, *names: str) -> list[float]:
        """Wait until these were told in this order among others; when each was."""
        found: list[float] = []

        def in_order() -> bool:
            found.clear()
            rest = iter(list(self.told))
            for name in names:
                when = next(
                    (t for t, text in rest if re.search(f"^{name}", text, re.MULTILINE)), None
                )
                if when is None:
                    return False
                found.append(when)
            return True

        until(in_order, 20, lambda: f"no {names} in {self.told}")
        return found

    def _read(self) -> None:
        while data := self._listening.recv(4096):
            self.told.append((time.monotonic(), data.decode()))


@contextmanager
def managed(folder: Path, **variables: str) -> Iterator[tuple[Launched, Manager]]:
    with (
        TemporaryDirectory(prefix="sd-") as place,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening,
    ):
        listening.bind(f"{place}/notify")
        manager = Manager(listening)
        with launched(folder, NOTIFY_SOCKET=f"{place}/notify", **variables) as server:
            yield server, manager
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", f"{place}/notify")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


def test_it_tells_its_whole_life_and_barks_in_time(folder: Path) -> None:
    with managed(folder, WATCHDOG_USEC="1000000") as (server, manager):
        manager.has("READY=1")
        manager.has("STATUS=serving Doubling on http://127.0.0.1:")
        ask(server.directory, {"do": "reload"})
        manager.has("READY=1", "RELOADING=1\nMONOTONIC_USEC=[0-9]+", "READY=1")
        (folder / "service.py").write_text("raise ValueError")
        assert not ask(server.directory, {"do": "reload"})["ok"]
        manager.has("READY=1", "RELOADING=1", "READY=1", "RELOADING=1", "READY=1")
        manager.has(*["WATCHDOG=1"] * 3)
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(10) == 0
        manager.has("READY=1", "STOPPING=1")
        assert [text for _, text in manager.told if text != "WATCHDOG=1"][-1] == "STOPPING=1"
        barks = [when for when, text in manager.told if text == "WATCHDOG=1"]
        assert max(b - a for a, b in pairwise(barks)) < 1.0


def test_a_stop_during_a_reload_is_the_last_that_is_told(folder: Path) -> None:
    with managed(folder) as (server, manager):
        manager.has("READY=1")
        (folder / "service.py").write_text(f"import time\ntime.sleep(30)\n{SERVICE}")
        server.process.send_signal(signal.SIGHUP)
        manager.has("RELOADING=1")
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(5) == 0
        server.leaves_nothing()
        assert "STOPPING=1" in manager.told[-1][1]


def test_a_signal_to_all_of_its_processes_loses_no_request(folder: Path) -> None:
    with launched(folder, "--no-access-log") as server:
        clients = Clients(server.url)
        with clients.asking(16):
            clients.until_answered(200)
            everybody = [server.process.pid, *server.left()]
            assert len(everybody) == 5
            # Children first: their own ends would be noticed by then.
            for pid in reversed(everybody):
                os.kill(pid, signal.SIGTERM)
            assert server.ends(10) == 0
        assert set(clients.ends) == {"answered", "refused"}, (clients.ends, server.output)
        server.leaves_nothing()
