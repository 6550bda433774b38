"""Standard input, output and error are there, whoever started this process without them.

Else the next socket gets the number 1, and what a library prints goes to whoever is connected.
"""

import os
import sys

__all__ = ["open_missing"]


def open_missing() -> None:
    """Open those that are closed to nothing, for this process and its children."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is this one.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
