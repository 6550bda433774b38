"""A server that somebody runs at a terminal: Ctrl-C, hanging up, --reload and breakpoint()."""

import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from minibento.processes.supervisor.nursery import FORKED_SECONDS
from tests.processes.launching import Launched, command, end, environment, until

SERVICE = """
import asyncio

import minibento


@minibento.service(timeout=60.0)
class Answering:
    @minibento.api
    async def answer(self) -> int:
        return 1

    @minibento.api
    async def sleep(self, seconds: float) -> float:
        print("sleeping", flush=True)
        await asyncio.sleep(seconds)
        return seconds

    @minibento.api
    async def debug(self) -> int:
        amount = 41
        breakpoint()
        return amount
"""


# What leads a session makes the terminal its own, as a shell does.
OWN_THE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class AtTerminal(Launched):
    """A server at a terminal."""

    terminal: int

    def types(self, keys: str) -> None:
        """Press keys."""
        os.write(self.terminal, keys.encode())

    def foreground(self) -> int:
        """The process group that reads from the terminal."""
        found: int = struct.unpack("i", fcntl.ioctl(self.terminal, termios.TIOCGPGRP, b"1234"))[0]
        return found


@contextmanager
def at_a_terminal(folder: Path, *flags: str) -> Iterator[AtTerminal]:
    master, slave = os.openpty()
    with TemporaryDirectory(prefix="mb-") as run:
        process = subprocess.Popen(
            [sys.executable, "-c", OWN_THE_TERMINAL, *command(*flags)],
            cwd=folder,
            env=environment(folder, run, TERM="dumb"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        server = AtTerminal(process, Path(run))
        server.terminal = master
        server.read(master)
        try:
            yield server
        finally:
            process.kill()
            process.wait()
            for pid in server.left():
                end(pid)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


class Asking:
    """A request that is answered later, if at all."""

    def __init__(self, url: str, body: object = None) -> None:
        self.end: object = None
        self._thread = threading.Thread(target=self._ask, args=(url, body))
        self._thread.start()

    def is_over(self) -> bool:
        return self.end is not None

    def ends(self) -> object:
        self._thread.join(20)
        return self.end

    def _ask(self, url: str, body: object) -> None:
        try:
            answer = httpx2.post(url, json=body, timeout=20)
            self.end = answer.json() if answer.status_code == 200 else answer.status_code
        except httpx2.HTTPError as error:
            self.end = repr(error)


def test_one_ctrl_c_answers_what_is_under_way(folder: Path) -> None:
    with at_a_terminal(folder) as server:
        asking = Asking(f"{server.url}/sleep", 1.0)
        server.prints("^sleeping")
        server.types("\x03")
        assert server.ends(5) == 0
        assert asking.ends() == 1.0
        assert "Traceback" not in server.output
        server.leaves_nothing()


def test_two_ctrl_c_end_it_at_once(folder: Path) -> None:
    with at_a_terminal(folder) as server:
        asking = Asking(f"{server.url}/sleep", 50.0)
        server.prints("^sleeping")
        begun = time.monotonic()
        server.types("\x03")
        with pytest.raises(AssertionError, match="has not ended"):
            server.ends(0.5)
        server.types("\x03")
        assert server.ends(5) == 0
        assert time.monotonic() - begun < 3
        assert asking.ends() != 50.0
        assert "Traceback" not in server.output
        server.leaves_nothing()


def test_closing_the_terminal_ends_it(folder: Path) -> None:
    with at_a_terminal(folder) as server:
        assert server.url
        server.read_no_more()
        assert server.ends(5) == 0
        server.leaves_nothing()


def answered(http: httpx2.Client) -> object:
    """As browsers do: once more, if the connection turns out to be closed."""
    try:
        return http.post("/answer").json()
    except httpx2.TransportError:
        return http.post("/answer").json()


def test_development_goes_on_through_mistakes(folder: Path) -> None:
    service = folder / "service.py"
    with at_a_terminal(folder, "--reload") as server:
        with httpx2.Client(base_url=server.url, timeout=20) as http:
            assert http.post("/answer").json() == 1

            service.write_text(SERVICE.replace("return 1", "return 2"))
            server.prints("generation 2 has taken over")
            assert answered(http) == 2

            service.write_text(SERVICE.replace("return 1", "return ("))
            server.prints("generation 2 goes on")
            server.prints(r"SyntaxError: '\(' was never closed")
            assert answered(http) == 2

            service.write_text(SERVICE.replace("return 1", "return 3"))
            server.prints("generation [34] has taken over")
            assert answered(http) == 3
        server.types("\x03")
        assert server.ends(5) == 0
        server.leaves_nothing()


def test_development_begins_with_a_mistake(folder: Path) -> None:
    service = folder / "service.py"
    service.write_text("raise ValueError('to do')")
    with at_a_terminal(folder, "--reload") as server:
        server.prints("ValueError: to do")
        server.prints("tried again when a file has changed")
        assert server.output.count("Traceback") == 1
        service.write_text(SERVICE)
        assert httpx2.post(f"{server.url}/answer", timeout=20).json() == 1
        service.write_text("raise ValueError('not done')")
        server.prints("ValueError: not done")
        server.types("\x03")
        assert server.ends(5) == 0
        server.leaves_nothing()


def test_a_breakpoint_asks_for_as_long_as_one_thinks(folder: Path) -> None:
    with at_a_terminal(folder, "--reload") as server:
        url, ours = server.url, server.foreground()
        asking = Asking(f"{url}/debug")
        server.prints(r"\(Pdb\) ")
        worker = server.foreground()
        assert worker != ours
        with pytest.raises(AssertionError, match="waiting"):
            until(asking.is_over, 3.0, lambda: "waiting")
        server.types("amount = 6 * 7\n")
        server.prints(r"\(Pdb\) [^(]*\(Pdb\) ")
        server.types("c\n")
        assert asking.ends() == 42
        assert httpx2.post(f"{url}/answer", timeout=20).json() == 1
        assert server.foreground() == ours
        server.types("\x03")
        assert server.ends(5) == 0


def test_a_worker_that_dies_at_a_prompt_leaves_the_terminal_to_the_server(folder: Path) -> None:
    with at_a_terminal(folder, "--reload") as server:
        url, ours = server.url, server.foreground()
        asking = Asking(f"{url}/debug")
        server.prints(r"\(Pdb\) ")
        os.kill(server.foreground(), signal.SIGKILL)
        asking.ends()
        until(lambda: server.foreground() == ours)
        assert httpx2.post(f"{url}/answer", timeout=20).json() == 1
        # And it hears Ctrl-C, which goes to who has the terminal.
        server.types("\x03")
        assert server.ends(5) == 0
        server.leaves_nothing()


@pytest.mark.slow
def test_a_breakpoint_in_a_start_hook_may_take_longer_than_a_start(folder: Path) -> None:
    hook = "    @minibento.on_startup\n    def prepare(self) -> None:\n        breakpoint()\n\n"
    first = "    @minibento.api\n"
    (folder / "service.py").write_text(SERVICE.replace(first, hook + first, 1))
    with at_a_terminal(folder, "--reload") as server:
        server.prints(r"\(Pdb\) ")
        worker = server.foreground()
        threading.Event().wait(FORKED_SECONDS + 5)
        assert server.foreground() == worker
        server.types("c\n")
        assert httpx2.post(f"{server.url}/answer", timeout=20).json() == 1
        server.types("\x03")
        assert server.ends(5) == 0
