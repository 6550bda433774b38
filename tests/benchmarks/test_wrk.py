import asyncio
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import workload, wrk
from benchmarks.failures import MeasurementFailed

SUMMARY = (
    'Running 1s test\n\nSUMMARY {"requests": 500, "microseconds": 2000000, "p50": 1500, '
    '"p99": 9000, "status": %d, "connect": 0, "read": 0, "write": 0, "timeout": %d}\n'
)
ECHO = workload.echoed([{"time": 30, "age": index} for index in range(3)])


def test_the_summary_is_read_in_seconds() -> None:
    assert wrk.read(SUMMARY % (0, 0)) == wrk.Throughput(rate=250.0, p50=0.0015, p99=0.009)


@pytest.mark.parametrize("errors", [(3, 0), (0, 1)])
def test_a_run_with_errors_is_no_measurement(errors: tuple[int, int]) -> None:
    with pytest.raises(MeasurementFailed, match="of 500 requests some failed"):
        wrk.read(SUMMARY % errors)


def test_a_run_without_a_summary_is_no_measurement() -> None:
    with pytest.raises(MeasurementFailed, match="no summary: unable to connect"):
        wrk.read("unable to connect")


def test_without_wrk_the_command_that_installs_it_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MeasurementFailed, match="apt-get install -y wrk"):
        wrk.run(1, ECHO, 1, 1, tmp_path)


@contextmanager
def answering(status: bytes, bodies: set[bytes]) -> Iterator[int]:
    """A server in a thread that answers every request with `status` and notes the bodies."""

    transports: list[asyncio.Transport] = []

    class Peer(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport = transport
            transports.append(transport)

        def data_received(self, data: bytes) -> None:
            bodies.add(data.partition(b"\r\n\r\n")[2])
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 2\r\n\r\n{}")

    async def closed() -> None:
        server.close()
        for transport in transports:
            transport.abort()
        await asyncio.sleep(0)  # a transport closes its socket in the next turn

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(Peer, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(closed())
        loop.close()


@pytest.mark.system
@pytest.mark.skipif(shutil.which("wrk") is None, reason="apt-get install -y wrk")
def test_wrk_sends_every_body_and_measures(tmp_path: Path) -> None:
    bodies: set[bytes] = set()
    with answering(b"200 OK", bodies) as port:
        found = wrk.run(port, ECHO, 2, 1, tmp_path)
    assert found.rate > 100
    assert 0 < found.p50 <= found.p99
    assert bodies == set(ECHO.bodies)


@pytest.mark.system
@pytest.mark.skipif(shutil.which("wrk") is None, reason="apt-get install -y wrk")
def test_errors_under_load_are_no_measurement(tmp_path: Path) -> None:
    with (
        answering(b"503 Busy", set()) as port,
        pytest.raises(MeasurementFailed, match="'status'"),
    ):
        wrk.run(port, ECHO, 2, 1, tmp_path)
