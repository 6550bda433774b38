"""From a filled folder to a version that everybody sees, at once or not at all; knows no zip."""

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from minibento.errors import (
    AlreadyExists,
    Corrupt,
    InvalidTag,
    MinibentoError,
    StoreError,
    UsageError,
)
from minibento.store.disk import disk_errors, sync_directory, write_file
from minibento.store.entry import Entry
from minibento.store.files import VerifiedFiles, open_below, read_manifest, sha256_of, walk
from minibento.store.manifest import MANIFEST, FileRecord, Json, Manifest, check_path
from minibento.store.shelf import Shelf
from minibento.store.state import Record, State
from minibento.tag import LATEST, check_version

__all__ = ["Draft", "Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a version comes from.

    Attributes:
        source: The archive or URL it comes from; None: it is saved here.
        trusted: Somebody vouched for the code in it.
        latest: It becomes `latest`, not only if the name had no versions.
    """

    source: str | None = None
    trusted: bool = False
    latest: bool = True


class Draft:
    """A version in the making: write files below `path`, then `publish`.

    Empty folders are not kept. Symbolic links, pipes and a `manifest.json` of your own at the top
    are refused.

    Attributes:
        path: An empty folder; gone after `publish` and at the end of the `with` block.
    """

    def __init__(self, shelf: Shelf, path: Path) -> None:
        self._shelf = shelf
        self.path = path
        self._published = False

    def publish(self, about: Mapping[str, Json], version: str | None = None) -> Entry:
        """Make what is below `path` a version and `latest`.

        Content that exists already is not stored again; it becomes `latest` again.

        Args:
            about: Recorded with the files; part of the content that names the version.
            version: A version of your own choice; None: named by content.

        Raises:
            AlreadyExists: that version exists with other content, or an alias has that name.
            InvalidTag: that version cannot be a version.
            StoreError: the disk refuses, or a file is of a kind that no version holds.
            TypeError: `about` is not JSON.
        """
        if version is not None and check_version(version) == LATEST:
            raise InvalidTag("'latest' always means the last save: choose another version")
        manifest = self.seal(about, version)
        try:
            return self.place(manifest, Origin())
        except MinibentoError:
            # Whoever was refused may publish the same folder under another version.
            (self.path / MANIFEST).unlink(missing_ok=True)
            raise

    def seal(self, about: Mapping[str, Json], version: str | None) -> Manifest:
        """Hash the files, write the manifest, and wait until all is on the disk."""
        if self._published:
            raise UsageError("this draft is published already: open another one")
        with disk_errors(f"cannot save {self._shelf.name!r}", self.path):
            records = [_seal_file(self.path, path, found) for path, found in walk(self.path)]
            manifest = Manifest.of(self._shelf.name, version, records, about)
            write_file(self.path / MANIFEST, manifest.to_bytes(), mode=0o444)
            _seal_folders(self.path)
        return manifest

    def place(self, manifest: Manifest, origin: Origin) -> Entry:
        """Make the sealed content visible, and enter it into the name's state."""
        with disk_errors(f"cannot save {manifest.tag}", self._shelf.folder), self._shelf.lock():
            state = self._shelf.state()
            if manifest.version in state.aliases:
                raise AlreadyExists(
                    f"{manifest.tag} is an alias, so no version can be called that: "
                    f"choose another version, or delete the alias"
                )
            was_empty = not self._shelf.versions(state)
            moved = self._move(manifest)
            try:
                sync_directory(self._shelf.folder)
                entry = self._enter(manifest, origin, state, moved=moved, first=was_empty)
            except BaseException:
                # Not entered is not saved: leave nothing that a full disk would have to keep.
                if moved:
                    with suppress(OSError):
                        (self._shelf.folder / manifest.version).rename(self.path)
                raise
            self._published = True
            return entry

    def _move(self, manifest: Manifest) -> bool:
        target = self._shelf.folder / manifest.version
        if os.path.lexists(target):
            if _is_intact(target, manifest):
                return False
            target.rename(self.path.with_name("broken"))
        self.path.rename(target)
        return True

    def _enter(
        self, manifest: Manifest, origin: Origin, state: State, *, moved: bool, first: bool
    ) -> Entry:
        known = self._shelf.record(manifest.version, state)
        if moved:
            known = Record(0, datetime.now(UTC), origin.source, origin.trusted)
        order = state.next_order() if origin.latest or first else known.order
        state.versions[manifest.version] = replace(
            known,
            order=order,
            # Whoever saves this very content here has made it; an import vouches or does not.
            source=known.source if origin.source is not None else None,
            trusted=known.trusted or origin.trusted,
        )
        self._shelf.write_state(state)
        return self._shelf.entry(manifest.version, state)


def _is_intact(folder: Path, manifest: Manifest) -> bool:
    """Whether the version that is there already is the same and unharmed.

    Raises:
        AlreadyExists: it is another one.
        Corrupt: nobody can say what it was.
    """
    try:
        present = read_manifest(folder, manifest.tag)
    except Corrupt:
        if manifest.explicit is not None:
            raise
        return False
    if present.digest != manifest.digest:
        raise AlreadyExists(
            f"{manifest.tag} exists with other content: choose another version, "
            "or leave it out and the content names it"
        )
    try:
        VerifiedFiles(folder, present.tag, present.files).verify()
    except Corrupt:
        return False
    return True


def _seal_file(folder: Path, path: str, found: os.stat_result) -> FileRecord:
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(
            f"{path!r} is a link, pipe, socket or device, which no version holds: "
            "put a copy of the file there"
        )
    check_path(path)
    with os.fdopen(open_below(folder, path), "rb") as file:
        sha256 = sha256_of(file)
        os.fchmod(file.fileno(), 0o444)
        os.fsync(file.fileno())
        return FileRecord(path, os.fstat(file.fileno()).st_size, sha256)


def _seal_folders(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        here = Path(folder)
        if here != top and not any(here.iterdir()):
            here.rmdir()
            continue
        here.chmod(0o755)
        sync_directory(here)
