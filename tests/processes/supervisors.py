"""A small stand-in for a supervisor's control socket."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Answer = Callable[[dict[str, Any]], Iterator[dict[str, Any] | bytes]]


@contextmanager
def control_socket(directory: Path, answer: Answer) -> Iterator[list[dict[str, Any]]]:
    """Answers each question on `directory`/control.sock with what `answer` yields, a document a
    line or raw bytes; yields the list of questions that came.
    """
    asked: list[dict[str, Any]] = []
    threads: list[threading.Thread] = []
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(directory / "control.sock"))
    listening.listen()

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            line = lines.readline()
            if not line:
                return
            asked.append(json.loads(line))
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has heard enough
                for part in answer(asked[-1]):
                    raw = part if isinstance(part, bytes) else json.dumps(part).encode() + b"\n"
                    connection.sendall(raw)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    try:
        yield asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join(10)
        listening.close()
        for thread in threads:
            thread.join(10)
