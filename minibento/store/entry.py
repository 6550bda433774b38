"""What the store hands out: one version, or the news that it is broken; knows no saving."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from minibento.errors import MinibentoError, Untrusted
from minibento.store.files import VerifiedFiles
from minibento.store.manifest import FileRecord
from minibento.tag import Tag

__all__ = ["Broken", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One version.

    Attributes:
        tag: Name and exact version.
        path: Its folder; look, but read through `read` or `verified_path`.
        about: The JSON it was published with.
        files: All its files, sorted by path.
        created: When it first came into this store, UTC.
        aliases: Those that pointed at it when it was looked up, sorted.
        source: The archive or URL it came from; None: it was saved here.
        trusted: Somebody vouched for code that its files can execute.
    """

    tag: Tag
    path: Path
    about: dict[str, Any]
    files: tuple[FileRecord, ...]
    created: datetime
    aliases: tuple[str, ...] = ()
    source: str | None = None
    trusted: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(record.size for record in self.files)

    def refuse_unvouched(self) -> None:
        """Raise Untrusted if it came from elsewhere and nobody vouches for code in it any more."""
        if self.source is not None and not self.trusted:
            raise Untrusted(
                f"{self.tag} came from {self.source} and can execute code, and nobody vouches for "
                "it any more: import or pull it again with --trust if you know who made it"
            )

    def open_files(self) -> VerifiedFiles:
        """The files as model libraries want them: `.read(name)` and `.path(name)`."""
        return VerifiedFiles(self.path, self.tag, self.files)

    def read(self, name: str) -> bytes:
        """The bytes of a file, read once and verified.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved.
        """
        return self.open_files().read(name)

    def verified_path(self, name: str) -> Path:
        """The path of a file, verified just now, for libraries that only take paths.

        Raises:
            NotFound: the version has no such file.
            Corrupt: the file is not what was saved.
        """
        return self.open_files().path(name)


@dataclass(frozen=True, slots=True)
class Broken:
    """Something in the store that cannot be used; listing goes on without it.

    Attributes:
        tag: The version, or only the name where all of it is concerned.
        error: What is wrong and how to mend it.
    """

    tag: Tag
    error: MinibentoError
