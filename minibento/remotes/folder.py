"""`file://`: versions in a folder, such as a share that several machines mount; needs no library.

Everything is written aside, flushed to the disk and renamed: who reads sees all of it or nothing.
"""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from minibento.errors import Corrupt, NotFound
from minibento.remotes.address import Address
from minibento.remotes.base import Blob, Content, Found
from minibento.remotes.layout import TAGS, blob_path, found, listed, tag_path
from minibento.store.disk import BLOCK, list_directory, make_directory, path_errors, sync_directory
from minibento.store.files import open_below
from minibento.store.manifest import MAX_MANIFEST, Manifest

__all__ = ["Folder", "folder"]


@contextmanager
def folder(address: Address, *, writing: bool) -> Iterator["Folder"]:
    """Reach a folder; one that is to be written to is made."""
    path = Path(address.place)
    with path_errors("cannot be used", path):
        if writing:
            make_directory(path)
        elif not path.is_dir():
            raise NotFound(f"there is no folder {path}: check the URL {address}")
        yield Folder(address, path.resolve())


class Folder:
    """A place that is a folder."""

    def __init__(self, address: Address, root: Path) -> None:
        self._address = address
        self._root = root

    def has(self, blob: Blob) -> bool:
        """Whether a file of this name and size is there."""
        try:
            with self._open(blob_path(blob)) as file:
                return os.fstat(file.fileno()).st_size == blob.size
        except FileNotFoundError:
            return False

    def put(self, blob: Blob, content: Content) -> None:
        """Write content aside, then give it its name."""
        self._write(blob_path(blob), content())

    def read(self, blob: Blob) -> Iterator[bytes]:
        """The content in blocks."""
        try:
            file = self._open(blob_path(blob))
        except FileNotFoundError:
            raise NotFound(f"{self._address} has no content {blob.digest}") from None
        with file:
            while block := file.read(BLOCK):
                yield block

    def find(self, name: str) -> Found | None:
        """The document of a name."""
        try:
            with self._open(tag_path(name)) as file:
                document = file.read(MAX_MANIFEST + 1)
        except FileNotFoundError:
            return None
        return found(str(self._address.at(name)), document)

    def check(self, manifest: Manifest) -> None:
        """A folder holds every version."""

    def publish(self, manifest: Manifest, names: list[str]) -> str:
        """Write the documents."""
        document = manifest.to_bytes()
        for name in names:
            self._write(tag_path(name), [document])
        return found(str(self._address), document).digest

    def names(self) -> list[str]:
        """All names that have a document."""
        return listed([entry.name for entry in list_directory(self._root / TAGS)])

    def _open(self, path: str) -> BinaryIO:
        """Open a regular file; whoever may write into the folder could have put anything there.

        Raises:
            FileNotFoundError: there is none.
            Corrupt: it is a link, a pipe, a device, or behind a link.
        """
        if not os.path.lexists(self._root / path):
            raise FileNotFoundError(path)
        try:
            return os.fdopen(open_below(self._root, path), "rb")
        except Corrupt as error:
            raise Corrupt(f"{self._root / path} {error}: remove it and push again") from error

    def _write(self, path: str, blocks: Iterable[bytes]) -> None:
        target = self._root / path
        make_directory(target.parent)
        aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with aside.open("xb") as file:
                for block in blocks:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(target)
            sync_directory(target.parent)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
