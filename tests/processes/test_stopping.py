"""A server that is told to stop while it answers: who was let in is answered, nothing is left.

Cases F13 and F14; each detector is shown a stop that is none.
"""

import http.client
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.processes.launching import Launched, end, launched, until

SERVICE = """
import time

import minibento


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        time.sleep(0.005)
        return [2 * number for number in numbers]

    @minibento.method
    def sleep(self, seconds: float) -> float:
        print("sleeping", flush=True)
        time.sleep(seconds)
        return seconds


@minibento.service(timeout=60.0)
class Doubling:
    model = minibento.Runner(Model)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)

    @minibento.api
    async def model_sleeps(self, seconds: float) -> float:
        return await self.model.sleep(seconds)

    @minibento.api
    def thread_sleeps(self, seconds: float) -> float:
        print("sleeping", flush=True)
        time.sleep(seconds)
        return seconds

"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


class Clients:
    """Clients that each keep a connection, until nobody accepts theirs any more.

    Attributes:
        ends: What became of the requests: `answered`, or why not.
    """

    def __init__(self, url: str) -> None:
        self.ends: Counter[str] = Counter()
        self._address = url.removeprefix("http://")
        self._stop = threading.Event()

    @contextmanager
    def asking(self, count: int) -> Iterator["Clients"]:
        threads = [threading.Thread(target=self._work, args=(one,)) for one in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            for thread in threads:
                thread.join(30)

    def until_answered(self, count: int) -> None:
        until(lambda: self.ends["answered"] >= count, 30, lambda: str(self.ends))

    def _work(self, number: int) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection(self._address, timeout=20)
            try:
                connection.connect()
            except ConnectionError:
                # Nothing was sent: whoever balances the load asks another server.
                self.ends["refused"] += 1
                return
            with connection.sock:
                self._ask_on(connection, number)

    def _ask_on(self, connection: http.client.HTTPConnection, number: int) -> None:
        headers = {"content-type": "application/json"}
        while not self._stop.is_set():
            try:
                connection.request("POST", "/double", str(number), headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.ends[f"lost: {error!r}"] += 1
                return
            right = answer.status == 200 and body == str(2 * number).encode()
            self.ends["answered" if right else f"{answer.status}: {body!r}"] += 1
            if answer.will_close:
                return
            # Some ask again at once, some find that the server has begun to leave meanwhile.
            self._stop.wait(number % 4 * 0.01)


def loaded(folder: Path) -> AbstractContextManager[Launched]:
    return launched(folder, "--api-workers", "2", "--no-access-log")


@contextmanager
def asking(server: Launched) -> Iterator[Clients]:
    """Clients that have had a good many answers, and ask on."""
    clients = Clients(server.url)
    with clients.asking(24):
        clients.until_answered(300)
        yield clients


def check_nothing_lost(clients: Clients) -> None:
    """Whoever was let in was answered; whoever came later was not let in."""
    lost = {end: count for end, count in clients.ends.items() if end not in ("answered", "refused")}
    assert lost == {}, clients.ends
    assert clients.ends["refused"] > 0


def stopped_under_load(folder: Path) -> tuple[int, float]:
    """F13: how many were answered, and the seconds from the signal to the end."""
    with loaded(folder) as server:
        with asking(server) as clients:
            begun = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            assert server.ends(31) == 0
            took = time.monotonic() - begun
        assert took < 6, server.output
        check_nothing_lost(clients)
        server.leaves_nothing()
        return clients.ends["answered"], took


def test_a_stop_under_load_loses_no_request(folder: Path) -> None:
    for _ in range(5):
        stopped_under_load(folder)


def test_the_detector_sees_requests_that_are_lost(folder: Path) -> None:
    """The negative control of F13: all are killed, those first who could say no in words."""
    with loaded(folder) as server, asking(server) as clients:
        for pid in server.left():
            end(pid)
        server.process.kill()
    # API workers that outlive the others by a moment say so.
    with pytest.raises(AssertionError, match=r"lost|503"):
        check_nothing_lost(clients)


LEAVING = """
import subprocess

import minibento


@minibento.service
class Leaving:
    @minibento.on_startup
    def start(self) -> None:
        subprocess.Popen(["sleep", "60"], start_new_session=True, stdout=-3, stderr=-3)

    @minibento.api
    def answer(self) -> int:
        return 42
"""


def test_the_detector_sees_what_a_server_leaves(tmp_path: Path) -> None:
    """The negative control of all stops: killed, it can end nothing and remove nothing."""
    (tmp_path / "service.py").write_text(LEAVING)
    with launched(tmp_path) as server:
        assert server.url
        server.process.kill()
        server.ends(5)
        with pytest.raises(AssertionError, match="sleep"):
            server.leaves_nothing()
        for pid in server.left():
            end(pid)
        until(lambda: not server.left())
        with pytest.raises(AssertionError):
            server.leaves_nothing()  # its run directory


@pytest.mark.slow
def test_fifty_stops_under_load_lose_no_request(folder: Path) -> None:
    stops = [stopped_under_load(folder) for _ in range(50)]
    answered, longest = sum(count for count, _ in stops), max(took for _, took in stops)
    print(f"F13: n={len(stops)}, {answered} answered, 0 lost, longest {longest:.3f} s")


def test_who_connects_while_the_server_stops_is_answered_or_refused(folder: Path) -> None:
    with launched(folder, "--api-workers", "2", "--no-access-log") as server:
        host, port = server.url.removeprefix("http://").split(":")
        ends: Counter[str] = Counter()

        def come_again() -> None:
            while True:
                try:
                    connection = socket.create_connection((host, int(port)), 20)
                except ConnectionRefusedError:
                    return
                with connection:
                    try:
                        connection.sendall(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
                        ends[connection.recv(12).decode()] += 1
                    except OSError as error:
                        ends[repr(error)] += 1

        visitors = [threading.Thread(target=come_again) for _ in range(16)]
        for one in visitors:
            one.start()
        until(lambda: ends["HTTP/1.1 200"] > 500)
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(10) == 0
        for one in visitors:
            one.join(10)
        assert set(ends) == {"HTTP/1.1 200"}, ends


# Seconds from the first signal on.
GRACE, SECOND = 1.5, 1.3


def check_longer_than_grace(
    folder: Path, path: str, *, grace: float = GRACE, second: signal.Signals = signal.SIGTERM
) -> None:
    """F14: 503 at the end of the grace, whatever comes a moment before it."""
    with launched(folder, "--set", f"grace={grace}") as server:
        answers: list[tuple[int, bytes]] = []
        url = server.url

        def ask() -> None:
            connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
            headers = {"content-type": "application/json"}
            connection.request("POST", f"/{path}", "30", headers)
            with suppress(OSError, http.client.HTTPException):  # then there is no answer
                answer = connection.getresponse()
                answers.append((answer.status, answer.read()))
            connection.close()

        asking = threading.Thread(target=ask)
        asking.start()
        server.prints("^sleeping")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        threading.Event().wait(SECOND)
        # Impatience helps nobody: neither longer nor shorter.
        server.process.send_signal(second)
        code = server.ends(10)
        took = time.monotonic() - begun
        asking.join(10)
        assert 1.4 < took < 2.7, (took, server.output)
        assert [status for status, _ in answers] == [503], (answers, server.output)
        assert code == 0
        server.leaves_nothing()


@pytest.mark.parametrize("path", ["model_sleeps", "thread_sleeps"])
def test_what_takes_longer_than_the_grace_is_refused_at_its_end(folder: Path, path: str) -> None:
    check_longer_than_grace(folder, path)


@pytest.mark.parametrize("broken", [{"grace": SECOND + GRACE}, {"second": signal.SIGKILL}])
def test_the_detector_sees_a_stop_that_begins_to_count_anew_or_loses_the_last(
    folder: Path, broken: dict[str, Any]
) -> None:
    """The negative control of F14: as late as if the second signal had begun it, and a kill."""
    with pytest.raises(AssertionError, match=r"< 2\.7|1\.4 <|\[503\]"):
        check_longer_than_grace(folder, "model_sleeps", **broken)
