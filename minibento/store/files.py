"""The files of one version, hashed before anybody sees them; knows no names, tags or aliases.

Every folder on the way is opened without following links, and a file is hashed through the
descriptor whose bytes are handed on: what was checked is what is used.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from minibento.errors import Corrupt, NotFound, StoreError
from minibento.store.disk import BLOCK, disk_errors
from minibento.store.manifest import MANIFEST, MAX_MANIFEST, FileRecord, Manifest
from minibento.tag import Tag

__all__ = ["VerifiedFiles", "open_below", "read_manifest", "reading", "sha256_of", "walk"]


class VerifiedFiles:
    """The files of one version; `read` and `path` are what model libraries load from."""

    def __init__(self, folder: Path, tag: Tag, records: tuple[FileRecord, ...]) -> None:
        self._folder = folder
        self._tag = tag
        self._records = {record.path: record for record in records}

    def read(self, name: str) -> bytes:
        """The bytes of a file, read once and verified.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved.
        """
        record = self._record(name)
        with self._open(record) as file:
            data = file.read(record.size)
            self._check(record, hashlib.sha256(data).hexdigest())
        return data

    def path(self, name: str) -> Path:
        """The path of a file, verified just now, for libraries that only take paths.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved.
        """
        self.copy(name, None)
        return self._folder / name

    def copy(self, name: str, target: BinaryIO | None) -> None:
        """Write a file to `target` in blocks, hashing what is written.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved; what `target` holds by then is to be dropped.
        """
        for block in self.blocks(name):
            if target is not None:
                target.write(block)

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of a file, the last of them only when all have been verified.

        So what is sent elsewhere is whole only if it is right.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved.
        """
        record = self._record(name)
        digest, held = hashlib.sha256(), b""
        with self._open(record) as file:
            while block := file.read(BLOCK):
                digest.update(block)
                if held:
                    yield held
                held = block
            self._check(record, digest.hexdigest())
            if held:
                yield held

    def verify(self, below: str = "") -> None:
        """Hash every file, and look for files that do not belong. Empty folders are no matter.

        Args:
            below: Only what is in this folder of the version.

        Raises:
            Corrupt: the version is not what was saved; the message names the file.
        """
        for name in self._records:
            if not below or name.startswith(f"{below}/"):
                self.copy(name, None)
        with self._readable(self._folder):
            found = {path for path, _ in walk(self._folder, below) if path != MANIFEST}
        for extra in sorted(found - self._records.keys()):
            raise self._corrupt(extra, "was not saved with it")

    def _record(self, name: str) -> FileRecord:
        if name not in self._records:
            raise NotFound(f"{self._tag} has no file {name!r}: it has {sorted(self._records)[:20]}")
        return self._records[name]

    @contextmanager
    def _open(self, record: FileRecord) -> Iterator[BinaryIO]:
        with self._readable(self._folder / record.path):
            try:
                descriptor = open_below(self._folder, record.path)
            except Corrupt as error:
                raise self._corrupt(record.path, str(error)) from error
            with os.fdopen(descriptor, "rb") as file:
                size = os.fstat(descriptor).st_size
                if size != record.size:
                    raise self._corrupt(record.path, f"has {size} bytes, {record.size} were saved")
                yield file

    def _readable(self, path: Path) -> AbstractContextManager[None]:
        return reading(self._tag, self._folder, path)

    def _check(self, record: FileRecord, sha256: str) -> None:
        if sha256 != record.sha256:
            raise self._corrupt(record.path, "was changed: its sha256 is not the one saved")

    def _corrupt(self, name: str, what: str) -> Corrupt:
        return Corrupt(
            f"{self._tag}: file {name!r} {what} ({self._folder / name}): "
            "delete the version, then save or import it again"
        )


def read_manifest(folder: Path, tag: Tag) -> Manifest:
    """The manifest of the version that lies in `folder`, checked against its own digest and place.

    Raises:
        FileNotFoundError: there is no such folder.
        Corrupt: it has no manifest, or one that was changed or belongs elsewhere.
    """
    mend = f"({folder / MANIFEST}): delete {tag}, then save or import it again"
    try:
        with os.fdopen(open_below(folder, MANIFEST), "rb") as file:
            manifest = Manifest.from_bytes(file.read(MAX_MANIFEST + 1))
    except Corrupt as error:
        raise Corrupt(f"{tag}: {MANIFEST} {error} {mend}") from error
    if manifest.tag != tag:
        raise Corrupt(f"{tag}: the folder holds {manifest.tag} {mend}")
    return manifest


def walk(folder: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Path and stat of all that is in a folder and not itself a folder; follows no link."""
    with os.scandir(folder / below) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = f"{below}/{entry.name}" if below else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from walk(folder, path)
        else:
            yield path, entry.stat(follow_symlinks=False)


@contextmanager
def reading(tag: Tag, folder: Path, path: Path | None = None) -> Iterator[None]:
    """What goes wrong within is the store's; `path` is named where the error names none.

    Raises:
        NotFound: the version is not there any more.
        StoreError: the disk refuses.
    """
    try:
        with disk_errors(f"{tag} cannot be read", path or folder):
            yield
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise NotFound(f"{tag} was deleted meanwhile ({folder})") from error
        raise


def sha256_of(source: BinaryIO) -> str:
    """Read to the end; returns the sha256 in hex."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


def open_below(folder: Path, path: str) -> int:
    """Open a regular file for reading; refuses links anywhere, and anything that could block.

    Raises:
        FileNotFoundError: there is no such folder, or it was deleted or replaced meanwhile.
        Corrupt: the file is missing or no regular file.
    """
    if folder.is_symlink():
        raise Corrupt("lies behind a symbolic link, which no version is")
    root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _open_from(root, path)
    except Corrupt:
        # A version that is being deleted loses its files one by one, elsewhere.
        if not os.path.samestat(os.fstat(root), folder.stat()):
            raise FileNotFoundError(errno.ENOENT, "replaced meanwhile", str(folder)) from None
        raise
    finally:
        os.close(root)


def _open_from(root: int, path: str) -> int:
    *folders, name = path.split("/")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with ExitStack() as opened:
        here = root
        for part in folders:
            here = _open_part(part, flags | os.O_DIRECTORY, here)
            opened.callback(os.close, here)
        descriptor = _open_part(name, flags | os.O_NONBLOCK, here)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise Corrupt("is not a regular file")
    return descriptor


def _open_part(name: str, flags: int, folder: int) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        raise Corrupt("is missing") from None
    except OSError:
        # A link gives ELOOP or ENOTDIR, a socket ENXIO: ask what it is, not what the kernel said.
        mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            raise Corrupt("is behind a symbolic link, which no version holds") from None
        if not (stat.S_ISDIR if flags & os.O_DIRECTORY else stat.S_ISREG)(mode):
            raise Corrupt("is not a regular file") from None
        raise
