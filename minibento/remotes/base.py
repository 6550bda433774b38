"""The seam between moving versions and the places they are moved to; knows none of the places."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from minibento.importing import load
from minibento.remotes.address import Address
from minibento.store.manifest import FileRecord, Manifest

__all__ = ["Blob", "Content", "Found", "Remote", "opened"]

# The bytes of a blob, from their beginning at each call: sending may have to be repeated.
Content = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its sha256, in hex, and number of bytes."""

    sha256: str
    size: int

    @classmethod
    def of(cls, record: FileRecord) -> "Blob":
        """The content of a version's file."""
        return cls(record.sha256, record.size)

    @property
    def digest(self) -> str:
        """As registries write it."""
        return f"sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class Found:
    """What a place has under one name.

    Attributes:
        manifest: The version's own, checked against its digest; its files are not looked at yet.
        digest: What the place calls the document by, `sha256:...`.
    """

    manifest: Manifest
    digest: str


class Remote(Protocol):
    """One place that is reached. Every method raises RemoteError where it refuses or is silent."""

    def has(self, blob: Blob) -> bool:
        """Whether this content is there already."""
        ...

    def put(self, blob: Blob, content: Content) -> None:
        """Send content; others see all of it or nothing."""
        ...

    def read(self, blob: Blob) -> Iterator[bytes]:
        """Receive content; whoever calls counts and hashes it.

        Raises:
            NotFound: it is not there.
        """
        ...

    def find(self, name: str) -> Found | None:
        """What stands under a name.

        Raises:
            Corrupt: something does that is no version, or was changed.
        """
        ...

    def check(self, manifest: Manifest) -> None:
        """Raise RemoteError if the place cannot hold such a version, before anything is sent."""
        ...

    def publish(self, manifest: Manifest, names: list[str]) -> str:
        """Let these names stand for a version whose content is there; returns its digest."""
        ...

    def names(self) -> list[str]:
        """All names there are, sorted."""
        ...


_REMOTES = {
    "oci": "minibento.remotes.registry:registry",
    "s3": "minibento.remotes.bucket:bucket",
    "file": "minibento.remotes.folder:folder",
}


def opened(address: Address, *, writing: bool) -> AbstractContextManager[Remote]:
    """Reach a place; its library is imported now.

    Raises:
        MissingLibrary: it needs one that is not installed.
    """
    made: AbstractContextManager[Remote] = load(_REMOTES[address.scheme])(address, writing=writing)
    return made
