"""A service behind a real socket in a process of its own, for tests from outside."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

from minibento.errors import Unavailable

__all__ = ["Server", "serve"]

_READY = re.compile(r"^ready: \S+ on (http://\S+?),? ", re.MULTILINE)
_POLL_SECONDS = 0.05
_MOST_LINES = 100


@dataclass(slots=True)
class Server:
    """A running server.

    Attributes:
        url: Where it answers: `http://127.0.0.1:40721`.
        pid: Of its process.
        lines: What it has printed until now: the ready line, the access log, errors.
    """

    url: str = ""
    pid: int = 0
    lines: list[str] = field(default_factory=list, repr=False)

    @property
    def output(self) -> str:
        """Its lines in one text."""
        return "".join(self.lines)


@contextmanager
def serve(
    target: str | None = None,
    *,
    folder: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> Iterator[Server]:
    """Run `minibento serve TARGET` on a free port, until the end of the block.

        with minibento.testing.serve("service:CreditRisk") as server:
            answer = httpx2.post(f"{server.url}/classify", json={...})

    Args:
        target: As on the command line.
        folder: Where it is run, such as `Path(__file__).parent`; the current folder unless given.
        environment: Variables beside those of this process.
        timeout: Seconds it may take until it is ready, and until it has stopped.

    Raises:
        Unavailable: it ended, or was not ready in time; the message has the end of what it printed.
    """
    command = [sys.executable, "-m", "minibento.cli", "serve", *([target] if target else [])]
    process = subprocess.Popen(
        [*command, "--host", "127.0.0.1", "--port", "0"],
        cwd=folder,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    server = Server(pid=process.pid)
    reader = threading.Thread(target=_read, args=(process, server), daemon=True)
    reader.start()
    try:
        _wait_until_ready(process, server, reader, time.monotonic() + timeout)
        yield server
    finally:
        _stop(process, timeout)
        reader.join(timeout)


def _read(process: "subprocess.Popen[str]", server: Server) -> None:
    """Keep the pipe empty, so that no amount of log stops the server."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            server.lines.append(line)


def _wait_until_ready(
    process: "subprocess.Popen[str]", server: Server, reader: threading.Thread, until: float
) -> None:
    while not server.url or not _is_ready(server.url):
        try:
            code = process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            found = _READY.search(server.output)
            server.url = found[1] if found else ""
        else:
            reader.join(1)
            raise Unavailable(f"the server ended with exit code {code}:\n{_tail(server)}")
        if time.monotonic() > until:
            raise Unavailable(f"the server was not ready in time:\n{_tail(server)}")


def _tail(server: Server) -> str:
    """The end of its output: a log may be long, and why it failed stands last."""
    left_out = len(server.lines) - _MOST_LINES
    note = f"({left_out} lines before these)\n" if left_out > 0 else ""
    return note + "".join(server.lines[-_MOST_LINES:])


def _is_ready(url: str) -> bool:
    # Not urllib: a proxy that the environment names is not for this machine's own address.
    connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
    with closing(connection):
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200


def _stop(process: "subprocess.Popen[str]", timeout: float) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
