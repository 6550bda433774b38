"""A server as somebody else starts it: its process, what it prints, and what is left of it."""

import os
import re
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["Launched", "launched", "until"]

_READY = re.compile(r"^ready: \S+ on (http://\S+?),? ", re.MULTILINE)


@dataclass
class Launched:
    """A server that may not be ready, nor ever become so.

    Attributes:
        process: The supervisor, or what started it.
        run: The folder of its run directory.
    """

    process: "subprocess.Popen[bytes]"
    run: Path
    seen: list[bytes] = field(default_factory=list)

    @property
    def output(self) -> str:
        """All that it has printed."""
        return b"".join(self.seen).decode(errors="replace")

    @property
    def url(self) -> str:
        """Where it answers, once it is ready."""
        self.prints(_READY.pattern)
        found = _READY.search(self.output)
        assert found is not None
        return found[1]

    @property
    def directory(self) -> Path:
        """Its run directory; it must have one."""
        (found,) = [one for one in self.run.iterdir() if one.name.isdigit()]
        return found

    def prints(self, pattern: str, seconds: float = 30.0) -> str:
        """Wait until its output has a match of `pattern`; the match."""
        compiled = re.compile(pattern, re.MULTILINE)

        def matched() -> bool:
            return compiled.search(self.output) is not None

        until(matched, seconds, lambda: f"no {pattern!r} in:\n{self.output}")
        found = compiled.search(self.output)
        assert found is not None
        return found[0]

    def ends(self, seconds: float) -> int:
        """Wait until it has ended; its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it has not ended after {seconds} s:\n{self.output}") from None
        self._reader.join(5)
        return code

    def left(self) -> dict[int, str]:
        """Processes that it has started, by others too, which have not ended, with their names."""
        found = {}
        mark = f"MINIBENTO_RUN_DIR={self.run}\0".encode()
        for one in Path("/proc").iterdir():
            if one.name.isdigit() and int(one.name) != self.process.pid:
                try:
                    if mark in (one / "environ").read_bytes():
                        found[int(one.name)] = (one / "cmdline").read_bytes().decode()
                except OSError:  # ended meanwhile
                    continue
        return found

    def leaves_nothing(self) -> None:
        """No process and no run directory; waits for what was killed a moment ago."""
        until(lambda: not self.left(), 2.0, lambda: f"{self.left()}\n{self.output}")
        assert [one.name for one in self.run.iterdir() if one.name.isdigit()] == []

    def read(self, descriptor: int) -> None:
        """Take what it prints from now on; closes the descriptor at the end."""
        self._over = threading.Event()
        self._reader = threading.Thread(target=self._read, args=(descriptor,), daemon=True)
        self._reader.start()

    def read_no_more(self) -> None:
        """Close the descriptor: of a terminal, that hangs it up."""
        self._over.set()
        self._reader.join()

    def _read(self, descriptor: int) -> None:
        with open(descriptor, "rb", buffering=0) as stream:
            while not self._over.is_set():
                ready, _, _ = select.select([stream], [], [], 0.1)
                if not ready:
                    continue
                try:
                    data = stream.read(65536)
                except OSError:  # a terminal that nobody holds open any more
                    return
                if not data:
                    return
                self.seen.append(data)


def until(
    true: Callable[[], bool], seconds: float = 20.0, otherwise: Callable[[], str] = str
) -> None:
    """Wait until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, otherwise()
        threading.Event().wait(0.02)


def environment(folder: Path, run: str, **variables: str) -> dict[str, str]:
    """Of a server in `folder`, with its store there too."""
    return {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONUNBUFFERED": "1",
        "MINIBENTO_HOME": str(folder / "home"),
        "MINIBENTO_RUN_DIR": run,
        **variables,
    }


def command(*flags: str) -> list[str]:
    """That serves service.py on a free port."""
    serve = [sys.executable, "-m", "minibento.cli", "serve", "service.py", "--port", "0"]
    return [*serve, *flags]


@contextmanager
def launched(
    folder: Path, *flags: str, before: Sequence[str] = (), **variables: str
) -> Iterator[Launched]:
    """Start `minibento serve` in `folder`; what is left of it ends with the block.

    Args:
        before: A command that is given the server's own.
    """
    with TemporaryDirectory(prefix="mb-") as run:
        process = subprocess.Popen(
            [*before, *command(*flags)],
            cwd=folder,
            env=environment(folder, run, **variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert process.stdout is not None
        server = Launched(process, Path(run))
        server.read(os.dup(process.stdout.fileno()))
        process.stdout.close()
        try:
            yield server
        finally:
            process.kill()
            process.wait()
            for pid in server.left():
                end(pid)


def end(pid: int) -> None:
    """Kill a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
