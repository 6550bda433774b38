"""The kernel's line about a process or one of its threads, taken apart: see proc_pid_stat(5)."""

from pathlib import Path

__all__ = ["PARENT", "STATE", "stat_fields"]

# Fields are counted from the one after the name.
STATE, PARENT = 0, 1


def stat_fields(folder: Path) -> list[str]:
    """What `folder`, of a process or a thread below /proc, says behind the name.

    Raises:
        OSError: it has ended, or there is no /proc.
    """
    # A name may have spaces and brackets of its own.
    text = (folder / "stat").read_text("utf-8", "replace")
    return text.rpartition(") ")[2].split()
