"""A question to a running server, through its control socket; knows no command and no answer.

One JSON line goes in; `{"say": ...}` lines come out, then one with `"ok"`.
"""

import json
import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from time import monotonic
from typing import Any

from minibento.errors import Unavailable
from minibento.processes.rundir import CONTROL

__all__ = ["ask"]

# A server that is alive answers what it is doing in this time, whatever else it does.
_PROMPT_SECONDS = 5.0
_LONGEST_LINE = 16 << 20


def ask(
    directory: Path,
    request: Mapping[str, Any],
    on_say: Callable[[str], None] | None = None,
    *,
    prompt: float = _PROMPT_SECONDS,
) -> dict[str, Any]:
    """The server's last line: `{"ok": true, ...}` or `{"ok": false, "error": "..."}`.

    It may take as long as it takes while the server is alive: one that is silent is asked by a
    second connection whether it is.

    Args:
        directory: The server's run directory.
        request: Such as `{"do": "status"}`.
        on_say: Told what the server says meanwhile.
        prompt: Seconds in which it must answer something, or be alive.

    Raises:
        Unavailable: it has ended, hangs, or does not speak as expected.
    """
    with closing(_connected(directory, prompt)) as connection:
        _send(directory, connection, request)
        lines = _Lines(directory, connection, prompt)
        while True:
            line = lines.next()
            if line is None:
                # Who cannot say how it is does not hear anything else either.
                if request.get("do") == "status":
                    raise _hangs(directory, prompt)
                ask(directory, {"do": "status"}, prompt=prompt)
            elif isinstance(line.get("ok"), bool):
                return line
            elif on_say is not None and "say" in line:
                on_say(str(line["say"]))


class _Lines:
    """The lines of one connection."""

    def __init__(self, directory: Path, connection: socket.socket, prompt: float) -> None:
        self._directory = directory
        self._connection = connection
        self._prompt = prompt
        self._buffer = b""

    def next(self) -> dict[str, Any] | None:
        """The next one; None: there was none in time."""
        until = monotonic() + self._prompt
        while b"\n" not in self._buffer:
            left = until - monotonic()
            if left <= 0:
                return None
            self._connection.settimeout(left)
            try:
                data = self._connection.recv(1 << 16)
            except TimeoutError:
                return None
            except OSError:
                data = b""
            if not data:
                raise _has_ended(self._directory)
            self._buffer += data
            if len(self._buffer) > _LONGEST_LINE:
                raise self._strange()
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            document = json.loads(line)
        except ValueError:
            raise self._strange() from None
        if not isinstance(document, dict):
            raise self._strange()
        return document

    def _strange(self) -> Unavailable:
        return Unavailable(
            f"{_named(self._directory)} answers what nobody understands here: use the minibento "
            "that it was started with"
        )


def _connected(directory: Path, prompt: float) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(prompt)
    try:
        connection.connect(str(directory / CONTROL))
    except OSError as error:
        connection.close()
        # A full queue of connections: nobody takes them.
        if isinstance(error, TimeoutError | BlockingIOError):
            raise _hangs(directory, prompt) from error
        raise _has_ended(directory) from error
    return connection


def _send(directory: Path, connection: socket.socket, request: Mapping[str, Any]) -> None:
    try:
        connection.sendall(json.dumps(request).encode() + b"\n")
    except TimeoutError as error:
        raise _hangs(directory, connection.gettimeout() or 0) from error
    except OSError as error:
        raise _has_ended(directory) from error


def _has_ended(directory: Path) -> Unavailable:
    return Unavailable(f"{_named(directory)} has ended, or ends right now: its log says why")


def _hangs(directory: Path, seconds: float) -> Unavailable:
    return Unavailable(
        f"{_named(directory)} does not answer within {seconds:g} s: it is stopped or hangs; "
        f"kill -CONT {directory.name} wakes it up, kill -KILL {directory.name} ends it"
    )


def _named(directory: Path) -> str:
    return f"the server with process id {directory.name}"
