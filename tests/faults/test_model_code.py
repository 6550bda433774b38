"""Model code that misbehaves harms its own worker only (fault M8).

A runner `wild` does what its caller tells it to; `mate` is another runner of the same service.
"""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.processes.launching import Launched, launched, until

SERVICE = """
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import minibento


class Wild:
    @minibento.method(batchable=True)
    def obey(self, codes: list[str]) -> list[str]:
        answers = []
        for code in codes:
            found = {"answer": "done"}
            exec(code, globals(), found)
            answers.append(found["answer"])
        return answers


class Mate:
    @minibento.method(batchable=True)
    def echo(self, numbers: list[int]) -> list[int]:
        return numbers


@minibento.service(timeout=10)
class Serving:
    wild = minibento.Runner(Wild, max_latency_ms=300)
    mate = minibento.Runner(Mate)

    @minibento.api
    async def obey(self, code: str) -> str:
        return await self.wild.obey(code)

    @minibento.api
    async def echo(self, number: int) -> int:
        return await self.mate.echo(number)
"""

# What it does, and the statuses that its caller may get.
FREE = {
    "opens connections": (
        "global kept; kept = [socket.create_connection(('127.0.0.1', {port})) for _ in range(20)]",
        {200},
    ),
    "forks": ("if os.fork() == 0: os._exit(0)", {200}),
    "forks what stays": ("if os.fork() == 0: time.sleep(600)", {200}),
    "starts what stays": ("subprocess.Popen(['sleep', '600'])", {200}),
    "starts a session of its own": (
        "subprocess.Popen(['sleep', '600'], start_new_session=True)",
        {200},
    ),
    "forks twice": (
        "if os.fork() == 0:\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)",
        {200},
    ),
    "returns in the child": ("os.fork()", {200}),
    "raises in the child": ("if os.fork() == 0: raise SystemExit(3)", {200}),
    "writes where it works": ("open('written', 'w').write('x' * 1000)", {200}),
    "changes the mask": ("os.umask(0o777)", {200}),
    "changes where it works": ("os.chdir('/')", {200}),
    "takes the signals": (
        "[ctypes.CDLL(None).signal(one, ctypes.c_void_p(1)) for one in range(65)]",
        {200},
    ),
    "sets handlers": ("signal.signal(signal.SIGTERM, signal.SIG_IGN)", {200, 500}),
    "becomes deaf to its children": (
        "ctypes.CDLL(None).signal(17, ctypes.c_void_p(1))",
        {200},
    ),
    "blocks all signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))",
        {200},
    ),
    "limits time-outs": ("socket.setdefaulttimeout(0.001)", {200}),
    "stops the clock": ("time.time = time.monotonic = time.perf_counter = lambda: 0.0", {200}),
    "starts threads": (
        "for _ in range(50): threading.Thread(target=time.sleep, args=(600,)).start()",
        {200},
    ),
    "starts daemons": (
        "for _ in range(50): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
        {200},
    ),
    "waits at the exit": ("import atexit; atexit.register(time.sleep, 600)", {200}),
    "prints": ("print('noise ' * 10000); sys.stderr.write('x' * 100000)", {200}),
    "closes what it prints to": ("sys.stdout.close(); sys.stderr.close()", {200}),
    "empties its modules": ("for name in list(sys.modules): del sys.modules[name]", {200, 500}),
    "recurses": ("def f(): f()\nlocals()['f'] = f; globals()['f'] = f; f()", {500}),
    "empties its environment": ("os.environ.clear()", {200}),
    "changes its name": (
        "ctypes.CDLL(None).prctl(15, b'minibento: supervisor')",
        {200},
    ),
    "has no more descriptors": (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))",
        {200},
    ),
}
# These are the caller's error and no death.
RAISES = {
    "sys.exit": "sys.exit(3)",
    "sys.exit(0)": "sys.exit(0)",
    "SystemExit": "raise SystemExit('out')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "StopIteration": "raise StopIteration",
    "CancelledError": "import asyncio; raise asyncio.CancelledError",
    "BaseException": "raise BaseException('base')",
    "MemoryError": "bytearray(1 << 60)",
}
# These end the worker, or leave it of no use; who called may be told so.
DEADLY = {
    "os._exit": "os._exit(3)",
    "os._exit(0)": "os._exit(0)",
    "kills itself": "os.kill(os.getpid(), 9)",
    "aborts": "os.abort()",
    "interrupts its process": "os.kill(os.getpid(), signal.SIGINT)",
    "terminates its process": "os.kill(os.getpid(), signal.SIGTERM)",
    "interrupts its group": "os.killpg(0, signal.SIGINT)",
    "closes all descriptors": "os.closerange(0, 4096)",
    "becomes another program": "os.execvp('sleep', ['sleep', '600'])",
    "breaks the clock": "del time.monotonic, time.perf_counter, time.time",
    "stops itself": "os.kill(os.getpid(), signal.SIGSTOP)",
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Launched]:
    (tmp_path / "service.py").write_text(SERVICE)
    with launched(tmp_path, "--set", "access_log=false") as server:
        assert server.url
        yield server


@pytest.fixture
def http(server: Launched) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=20) as http:
        yield http


def pid_of(server: Launched, title: str) -> list[int]:
    return [pid for pid, name in server.left().items() if name.startswith(f"minibento: {title}")]


class Mates:
    """Somebody who asks the other runner all the time."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self.answers = 0
        self.failures: list[str] = []

    def __enter__(self) -> "Mates":
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _ask(self) -> None:
        with httpx2.Client(base_url=self._url, timeout=20) as http:
            while not self._over.wait(0.005):
                try:
                    answer = http.post("/echo", json=self.answers)
                except httpx2.TransportError as error:
                    self.failures.append(repr(error))
                    continue
                if answer.status_code != 200 or answer.json() != self.answers:
                    self.failures.append(answer.text)
                self.answers += 1


def obey(http: httpx2.Client, code: str) -> int:
    return http.post("/obey", json=code).status_code


def until_obeyed(http: httpx2.Client) -> None:
    """The runner answers again."""
    until(lambda: obey(http, "answer = 'yes'") == 200, 20, lambda: "it does not come back")


def stops(server: Launched) -> None:
    """At a stop, within a second beyond what nobody would wait for, and with nothing left."""
    server.process.terminate()
    assert server.ends(20) == 0, server.output[-3000:]
    server.leaves_nothing()


CASES = {
    **FREE,
    **{name: (code, {500}) for name, code in RAISES.items()},
    **{name: (code, {200, 500, 502, 503, 504}) for name, code in DEADLY.items()},
}
# How the worker is harmed shows at its end.
AT_THE_END = [
    *("forks what stays", "starts a session of its own", "takes the signals"),
    *("starts threads", "waits at the exit"),
]


def harmed(server: Launched, http: httpx2.Client, name: str) -> None:
    """Let the model do it; its caller gets an answer, and all others theirs."""
    code, expected = CASES[name]
    others = pid_of(server, "api-worker") + pid_of(server, "runner-worker-mate")
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        code = code.replace("{port}", str(listening.getsockname()[1]))
        with Mates(server.url) as mates:
            status = obey(http, code)
            until_obeyed(http)
            asked = mates.answers
            until(lambda: mates.answers >= asked + 5, 10, lambda: "the other runner is silent")
    assert status in expected, (name, status)
    assert mates.failures == [], name
    assert pid_of(server, "api-worker") + pid_of(server, "runner-worker-mate") == others
    for page in ("/livez", "/readyz"):
        assert http.get(page).status_code == 200, (name, page)


def test_what_ends_a_program_is_an_error_of_its_caller_and_no_death(
    server: Launched, http: httpx2.Client
) -> None:
    before = server.left().keys()
    for name, code in RAISES.items():
        assert obey(http, code) == 500, name
    assert server.left().keys() == before
    # The negative control: what does end the worker is seen to.
    assert obey(http, "os._exit(3)") in {500, 502, 503}
    until_obeyed(http)
    assert server.left().keys() != before


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in AT_THE_END else pytest.mark.slow) for name in CASES],
)
def test_a_server_whose_model_did_it_stops_cleanly(
    server: Launched, http: httpx2.Client, name: str
) -> None:
    harmed(server, http, name)
    stops(server)


def test_the_detector_sees_what_does_not_stay_with_its_worker(
    server: Launched, http: httpx2.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing hinders a model, which runs as the same user, from killing who answers for it."""
    (pid,) = pid_of(server, "api-worker")
    monkeypatch.setitem(CASES, "kills another", (f"os.kill({pid}, 9)", {200}))
    with pytest.raises((AssertionError, httpx2.TransportError)):
        harmed(server, http, "kills another")
