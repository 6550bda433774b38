"""One bundle's folder, opened: its facts, and its models as if they were in a store."""

from datetime import UTC, datetime
from pathlib import Path

from minibento.bundles.facts import Facts
from minibento.bundles.layout import CODE, model_folder
from minibento.errors import Corrupt, NotFound
from minibento.store.disk import disk_errors
from minibento.store.entry import Entry
from minibento.store.files import VerifiedFiles, open_below
from minibento.store.manifest import MANIFEST, MAX_MANIFEST, Manifest
from minibento.tag import LATEST, Tag

__all__ = ["Bundle"]


class Bundle:
    """A bundle where it lies, in the store or still in the making.

    Attributes:
        path: Its folder.
        tag: Name and exact version.
        facts: What is recorded of it.
    """

    def __init__(self, path: Path) -> None:
        """Open the folder.

        Raises:
            Corrupt: its manifest was changed, or is no bundle's.
            StoreError: it cannot be read.
        """
        self.path = path
        manifest = _manifest(path)
        self.tag = manifest.tag
        try:
            self.facts = Facts.from_json(manifest.about)
        except Corrupt as error:
            raise Corrupt(f"{path / MANIFEST} {error}") from error
        self._files = VerifiedFiles(path, manifest.tag, manifest.files)

    @property
    def code(self) -> Path:
        """The folder its service is imported from."""
        return self.path / CODE

    def read(self, name: str) -> bytes:
        """The bytes of a file, verified. Raises NotFound or Corrupt."""
        return self._files.read(name)

    def verify_code(self) -> None:
        """Hash what Python is going to import by itself; models are verified as they are loaded.

        Raises:
            Corrupt: a file was changed, is missing, or was not built with it.
        """
        self._files.verify(CODE)

    def model(self, wanted: Tag) -> Entry:
        """The model that a tag of the build, or an exact one, stands for.

        Raises:
            NotFound: the build saw no such tag; the message names those it saw.
            Corrupt: the model is not what was bundled.
        """
        asked = wanted if wanted.version is not None else Tag(wanted.name, LATEST)
        known = {Tag.parse(tag): Tag.parse(exact) for tag, exact in self.facts.models.items()}
        exact = known.get(asked, asked)
        if exact not in known.values():
            has = ", ".join(sorted(self.facts.models)) or "none"
            raise NotFound(
                f"{wanted} is not in the bundle {self.tag}, whose models are {has}: name it in the "
                "service's class or under models: in minibento.yaml, then build again"
            )
        return self._entry(exact)

    def _entry(self, tag: Tag) -> Entry:
        folder = model_folder(tag)
        try:
            manifest = Manifest.from_bytes(self.read(f"{folder}/{MANIFEST}"))
        except NotFound as error:
            raise Corrupt(f"{self.tag} lacks the files of its model {tag}") from error
        if manifest.tag != tag:
            raise Corrupt(f"{self.tag}: {folder} holds {manifest.tag}")
        path = self.path / folder
        made = datetime.fromtimestamp((path / MANIFEST).stat().st_mtime, UTC)
        # Whoever serves a bundle trusts all of its code.
        origin = str(self.tag)
        return Entry(tag, path, manifest.about, manifest.files, made, source=origin, trusted=True)


def _manifest(path: Path) -> Manifest:
    with disk_errors("the bundle cannot be read", path):
        descriptor = open_below(path, MANIFEST)
        with open(descriptor, "rb") as file:  # noqa: PTH123 -- a descriptor has no path
            data = file.read(MAX_MANIFEST + 1)
    try:
        return Manifest.from_bytes(data)
    except Corrupt as error:
        raise Corrupt(f"{path / MANIFEST} {error}") from error
