"""Writing so that it survives a power cut, and what the disk's errors mean; knows no versions."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from minibento.errors import StoreError

__all__ = [
    "BLOCK",
    "disk_errors",
    "list_directory",
    "make_directory",
    "move",
    "path_errors",
    "remove_tree",
    "sync_directory",
    "write_file",
]

BLOCK = 1 << 20
_MENDS = {
    errno.ENOSPC: "free some space and try again",
    errno.EDQUOT: "free some of your quota and try again",
    errno.EROFS: "make it writable",
    errno.EACCES: "give this user access",
    errno.EPERM: "give this user access",
    errno.ENOTDIR: "a file stands where a folder should: move it",
    errno.EEXIST: "a file stands where a folder should: move it",
    errno.ELOOP: "the symbolic link leads nowhere: mend it",
    errno.EIO: "the disk reports a fault: check it",
}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}  # going elsewhere is not the first thing to try


@contextmanager
def disk_errors(doing: str, path: Path) -> Iterator[None]:
    """Turn any OSError of the block into a StoreError that names the path and the mend."""
    try:
        yield
    except OSError as error:
        place = error.filename if isinstance(error.filename, str) else path
        mend = _mend(error, "check the folder", "set MINIBENTO_HOME to another folder")
        raise StoreError(f"{doing}: {place}: {error.strerror or error}: {mend}") from error


@contextmanager
def path_errors(doing: str, path: Path) -> Iterator[None]:
    """The same for a path that the user gave: it is named as given, and the store is no part."""
    try:
        yield
    except OSError as error:
        mend = _mend(error, "check the path", "choose another path")
        if isinstance(error, FileNotFoundError):
            mend = f"check the path, {path.absolute()} was looked for"
            if not path.parent.exists():
                mend = f"there is no folder {path.parent}, make it or choose another path"
        raise StoreError(f"{doing}: {path}: {error.strerror or error}: {mend}") from error


def _mend(error: OSError, otherwise: str, elsewhere: str) -> str:
    mend = _MENDS.get(error.errno or 0, otherwise)
    return mend if error.errno in _NO_ROOM else f"{mend}, or {elsewhere}"


def write_file(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file, replacing one that is there, and wait until it is on the disk."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())


def make_directory(path: Path) -> None:
    """Make a folder and those above it, each one entered durably into its parent."""
    if path.is_dir():
        return
    if path.parent != path:
        make_directory(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
    if not path.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Wait until the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move(source: Path, target: Path, *, entered: Path) -> None:
    """Rename to a free name, and wait until the folder `entered` has that on the disk.

    Where the disk refuses, it is moved back: who is told that it failed must not find it done.
    """
    source.rename(target)
    try:
        sync_directory(entered)
    except OSError:
        with suppress(OSError):
            target.rename(source)
        raise


def list_directory(path: Path) -> list[os.DirEntry[str]]:
    """The entries of a folder by name; none if it does not exist."""
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def remove_tree(path: Path) -> None:
    """Remove a folder whatever its modes; one that is not there is no error."""
    for folder, _, _ in os.walk(path):
        with suppress(OSError):  # rmtree says what really hinders
            Path(folder).chmod(0o700)
    with suppress(FileNotFoundError):
        shutil.rmtree(path)
