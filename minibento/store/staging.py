"""Folders for work in progress, and the debris of writers that died; knows no versions.

A staging folder is alive while somebody holds the lock inside it. The kernel lets the lock go
when its holder dies, however it dies, so no process id that may have been reused is asked.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from minibento.store.disk import list_directory, make_directory, remove_tree
from minibento.store.locks import hold, try_hold

__all__ = ["stage"]

_LOCK = "lock"


@contextmanager
def stage(area: Path) -> Iterator[Path]:
    """A fresh folder inside `area`, removed with all that is in it at the end of the block."""
    make_directory(area)
    collect(area)
    with ExitStack() as held:
        folder = _claim(area, held)
        try:
            yield folder
        finally:
            # What cannot be removed now, the next writer removes.
            with suppress(OSError):
                remove_tree(folder)


def collect(area: Path) -> None:
    """Remove the staging folders whose writers are gone."""
    for entry in list_directory(area):
        # A folder of another user, or one that another collector is removing, is theirs.
        with suppress(OSError), try_hold(Path(entry.path, _LOCK)) as dead:
            if dead:
                remove_tree(Path(entry.path))


def _claim(area: Path, held: ExitStack) -> Path:
    """Make and lock a folder; a collector may take it in between, then make another."""
    while True:
        folder = area / f"{os.getpid()}-{secrets.token_hex(8)}"
        folder.mkdir(mode=0o700)
        try:
            held.enter_context(hold(folder / _LOCK))
        except FileNotFoundError:
            continue
        except OSError:
            with suppress(OSError):
                remove_tree(folder)
            raise
        return folder
