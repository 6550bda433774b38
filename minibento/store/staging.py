"""Folders for work in progress, and the debris of writers that died; knows no versions.

A staging folder is alive while somebody holds the lock inside it. The kernel lets the lock go
when its holder dies, however it dies, so no process id that may have been reused is asked.
"""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from minibento.errors import StoreError
from minibento.store.disk import list_directory, make_directory, path_errors, remove_tree
from minibento.store.locks import hold, try_hold

__all__ = ["scratch", "stage"]

_LOCK = "lock"
# What in the system's folder for temporary files is ours to remove: nothing else is called so.
_SCRATCH = "minibento-tmp-"


@contextmanager
def stage(area: Path) -> Iterator[Path]:
    """A fresh folder inside `area`, removed with all that is in it at the end of the block."""
    make_directory(area)
    collect(area)
    with _claimed(area, "") as folder:
        yield folder


@contextmanager
def scratch() -> Iterator[Path]:
    """A fresh folder where the system has temporary files, removed at the end of the block.

    For what may be on another disk than the store. Its path is short enough for unix sockets.

    Raises:
        StoreError: it cannot be made.
    """
    try:
        area = Path(tempfile.gettempdir())
    except OSError as error:
        raise StoreError(
            f"cannot make a temporary folder: {error.strerror or error}: make room there, or name "
            "a folder that has some in TMPDIR"
        ) from error
    with ExitStack() as held:
        with path_errors("cannot make a temporary folder", area):
            collect(area, _is_scratch)
            folder = held.enter_context(_claimed(area, _SCRATCH))
        yield folder


def collect(area: Path, ours: Callable[["os.DirEntry[str]"], bool] = lambda _: True) -> None:
    """Remove the staging folders whose writers are gone, of those that are `ours`."""
    for entry in filter(ours, list_directory(area)):
        # A folder of another user, or one that another collector is removing, is theirs.
        with suppress(OSError), try_hold(Path(entry.path, _LOCK)) as dead:
            if dead:
                remove_tree(Path(entry.path))


def _is_scratch(entry: "os.DirEntry[str]") -> bool:
    """Whether it is one of this user's; others may put there what they like."""
    with suppress(OSError):
        is_folder = entry.name.startswith(_SCRATCH) and entry.is_dir(follow_symlinks=False)
        return is_folder and entry.stat(follow_symlinks=False).st_uid == os.geteuid()
    return False


@contextmanager
def _claimed(area: Path, prefix: str) -> Iterator[Path]:
    with ExitStack() as held:
        folder = _claim(area, prefix, held)
        try:
            yield folder
        finally:
            # What cannot be removed now, the next writer removes.
            with suppress(OSError):
                remove_tree(folder)


def _claim(area: Path, prefix: str, held: ExitStack) -> Path:
    """Make and lock a folder; a collector may take it in between, then make another."""
    while True:
        folder = area / f"{prefix}{os.getpid()}-{secrets.token_hex(8)}"
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
