"""How far files are on their way, on standard error; knows neither stores nor networks."""

import sys
import time
from typing import TextIO

from minibento.cli.quantities import size
from minibento.log import escaped

__all__ = ["Shown", "progress"]

_EVERY_SECONDS = 0.1
_LARGE = 32 << 20  # bytes from which a file is worth a line of its own
_LONGEST = 40


class Shown:
    """On a terminal one line that changes; otherwise a line for each large file."""

    def __init__(self, doing: str, stream: TextIO) -> None:
        self._doing = doing
        self._stream = stream
        self._live = stream.isatty()
        self._path, self._size, self._done, self._drawn = "", 0, 0, 0.0

    def begin(self, path: str, size_: int) -> None:
        """A file begins to move, or begins again."""
        self._path, self._size, self._done = escaped(path), size_, 0
        if self._live:
            self._draw()
        elif size_ >= _LARGE:
            print(f"{self._doing} {self._path} ({size(size_)})", file=self._stream, flush=True)

    def moved(self, count: int) -> None:
        """Some bytes of it have moved."""
        self._done += count
        if self._live and time.monotonic() - self._drawn >= _EVERY_SECONDS:
            self._draw()

    def close(self) -> None:
        """Take the line away."""
        if self._live:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        name = self._path if len(self._path) <= _LONGEST else "..." + self._path[3 - _LONGEST :]
        share = 100 * self._done // self._size if self._size else 100
        text = f"{self._doing} {name}  {size(self._done)} of {size(self._size)}  {share} %"
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()


def progress(doing: str) -> Shown:
    """For the command that runs."""
    return Shown(doing, sys.stderr)
