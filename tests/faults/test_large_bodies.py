"""Callers who send as much as one may, all at once, and never come to an end."""

import socket
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

from minibento.processes.supervisor.kernel_view import private_bytes
from tests.faults.afterwards import under_fire
from tests.faults.model import address
from tests.processes.launching import until
from tests.processes.serving import Running

SERVICE = """
import minibento


@minibento.service
class Measuring:
    @minibento.api
    def size(self, data: bytes) -> int:
        return len(data)
"""
MIB = 2**20
SIZE, CALLERS = 8 * MIB, 25
HEAD = (
    b"POST /size HTTP/1.1\r\nhost: a\r\ncontent-type: application/octet-stream\r\n"
    b"content-length: %d\r\n\r\n" % SIZE
)


class Caller(threading.Thread):
    """Sends all but the last byte, and waits for what comes of it."""

    def __init__(self, server: Running) -> None:
        super().__init__()
        self.socket = socket.create_connection(address(server), 20)
        self.status = b""
        self.sent = False

    def leave(self) -> None:
        """Whatever it is at."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.join()
        self.socket.close()

    def run(self) -> None:
        try:
            self.socket.sendall(HEAD + bytes(SIZE - 1))
            self.sent = True
            self.status = self.socket.recv(4096)[9:12]
        except OSError:
            self.status = self.status or b"cut off"


def sent(server: Running, stack: ExitStack) -> Sequence[Caller]:
    """Callers all of whom have sent theirs, or heard that they need not."""
    callers = [Caller(server) for _ in range(CALLERS)]
    for one in callers:
        one.start()
        stack.callback(one.leave)
    until(lambda: all(one.sent or one.status for one in callers))
    return callers


def grown(folder: Path, room: str) -> tuple[Counter[bytes], float]:
    """What the callers were told, and by how many MiB the API worker grew."""
    (folder / "service.py").write_text(SERVICE)
    limits = {"MINIBENTO_LIMITS__TOTAL_BODY_BYTES": room, "MINIBENTO_API_WORKERS": "1"}
    with under_fire(folder, **limits) as server:
        (pid,) = server.pids("api-worker")
        before = private_bytes(pid) or 0
        with ExitStack() as stack:
            callers = sent(server, stack)
            peak = ((private_bytes(pid) or 0) - before) / MIB
            told = Counter(one.status for one in callers)
        octets = {"content-type": "application/octet-stream"}
        answer = server.http.post("/size", content=bytes(SIZE), headers=octets)
        assert answer.json() == SIZE
        return told, peak


def test_large_bodies_that_never_end_take_only_so_much_memory(tmp_path: Path) -> None:
    told, peak = grown(tmp_path, "40MiB")
    # Who is refused may still be sending and then finds the connection closed.
    assert told[b"503"] + told[b"cut off"] >= CALLERS - 6
    assert told[b"503"] > 0
    assert peak < 100


def test_without_a_bound_they_take_all_that_they_send(tmp_path: Path) -> None:
    """The control."""
    told, peak = grown(tmp_path, "1GiB")
    assert told == {b"": CALLERS}
    assert peak > 120
