"""Finds whom a test has left behind: whoever descends from it has its mark."""

import os
import secrets
from pathlib import Path

__all__ = ["MARK", "marked"]

# A variable that nobody removes from the environment that it was given.
MARK = ("LEFT_BY_A_TEST", secrets.token_hex(8))


def marked() -> list[str]:
    """The command lines of all processes with the mark but this one."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if "=".join(MARK).encode() in path.read_bytes() and path.parent.name != str(
                os.getpid()
            ):
                found.append((path.parent / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
