"""Started by tests: `one_save.py` of a store that lacks something, to be seen by who looks for it.

python broken_save.py WHAT ROOT CONTENT
"""

import os
import shutil
import stat
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from minibento.store import draft, staging
from minibento.store.disk import sync_directory
from minibento.store.draft import Draft
from minibento.store.manifest import Manifest
from tests.store import one_save

fsync = os.fsync


def sync_only(kind: Callable[[int], bool]) -> None:
    """Forget the others."""

    def sync(descriptor: int) -> None:
        if kind(os.fstat(descriptor).st_mode):
            fsync(descriptor)

    os.fsync = sync  # type: ignore[assignment]


def no_sync_of_the_entry() -> None:
    """The folder that has just got the version."""

    def sync(path: Path) -> None:
        if path.name != "credit":
            sync_directory(path)

    draft.sync_directory = sync  # type: ignore[attr-defined]


def sync_too_late() -> None:
    """All of it, but after it can be seen."""
    later: list[int] = []
    os.fsync = lambda one: later.append(os.dup(one))  # type: ignore[assignment, arg-type]

    def rename(content: Path, target: Path) -> Path:
        os.rename(content, target)  # noqa: PTH104 - that is what is in its place
        while later:
            fsync(later.pop())
        return target

    Path.rename = rename  # type: ignore[assignment, method-assign]


def in_place() -> None:
    """Where everybody looks is where it is put together."""

    def copy(self: Draft, manifest: Manifest) -> bool:
        shutil.copytree(self.path, self._shelf.folder / manifest.version)
        return True

    Draft._move = copy  # type: ignore[method-assign]


def no_words() -> None:
    """The disk's errors go as they come."""
    draft.disk_errors = lambda *_: nullcontext()  # type: ignore[assignment, attr-defined]


def no_clearing_up() -> None:
    staging.remove_tree = lambda _: None  # type: ignore[assignment, attr-defined]


WAYS: dict[str, Callable[[], None]] = {
    "no sync of files": lambda: sync_only(stat.S_ISDIR),
    "no sync of folders": lambda: sync_only(stat.S_ISREG),
    "no sync of the entry": no_sync_of_the_entry,
    "sync too late": sync_too_late,
    "in place": in_place,
    "no words": no_words,
    "no clearing up": no_clearing_up,
}


if __name__ == "__main__":
    WAYS[sys.argv.pop(1)]()
    sys.exit(one_save.main())
