"""A model that ends its process when it is told to; importable by a worker process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from minibento.runners.method import method

__all__ = ["Mortal"]


class Mortal:
    """Doubles numbers; dies at the item "die"."""

    def __init__(self, factor: int = 2, pair: tuple[int, ...] = ()) -> None:
        self.factor = factor
        self.pair = pair

    @method(batchable=True)
    def double(self, items: list[Any]) -> list[Any]:
        if "die" in items:
            os.kill(os.getpid(), signal.SIGKILL)
        return [item * self.factor for item in items]

    @method
    def pid(self) -> int:
        return os.getpid()

    @method
    def hold(self, folder: str) -> int:
        """Tells its process by the pipe `entered`, then waits for the pipe `go`."""
        Path(folder, "entered").write_text(str(os.getpid()), "utf-8")
        Path(folder, "go").read_text("utf-8")
        return os.getpid()

    @method(idempotent=False)
    def charge(self, path: str) -> int:
        """Writes down that it was done, and dies at it."""
        with Path(path).open("a", encoding="utf-8") as log:
            log.write("charged\n")
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    @method(idempotent=False)
    def receipt(self, path: str, length: int) -> str:
        """Writes down that it was done; answers so many characters."""
        with Path(path).open("a", encoding="utf-8") as log:
            log.write("charged\n")
        return "x" * length

    @method
    def count(self, stop: int, dies_at: int) -> Iterator[int]:
        for number in range(stop):
            if number == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield number
