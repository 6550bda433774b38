"""All versions of one name: where they lie, in which order they were saved; knows no archive."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from minibento.errors import Corrupt, InvalidTag, NotFound
from minibento.store.disk import list_directory, make_directory
from minibento.store.entry import Entry
from minibento.store.files import read_manifest
from minibento.store.locks import hold
from minibento.store.manifest import MANIFEST
from minibento.store.resolve import resolve
from minibento.store.state import Record, State, read_state, write_state
from minibento.tag import LATEST, Tag, check_name

__all__ = ["Shelf", "names"]

# A version that is deleted between finding and reading it is looked for again, this many times.
_TRIES = 20


class Shelf:
    """One name's folder. The store's own files in it begin with a dot, which no version does."""

    def __init__(self, kind_folder: Path, name: str) -> None:
        self.kind = kind_folder.name
        self.name = check_name(name)
        self.folder = kind_folder / name

    @property
    def _state_file(self) -> Path:
        return self.folder / ".state.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only writer of this name; makes its folder if need be."""
        with ExitStack() as held:
            while True:
                make_directory(self.folder)
                # Somebody may remove the folder by hand before it is locked: make it again.
                with suppress(FileNotFoundError):
                    held.enter_context(hold(self.folder / ".lock"))
                    break
            yield

    def state(self) -> State:
        """Saves, aliases and trust; raises Corrupt if they cannot be understood."""
        return read_state(self._state_file)

    def write_state(self, state: State) -> None:
        """Replace it; the caller holds the lock."""
        write_state(self._state_file, state)

    def state_or_error(self) -> tuple[State, Corrupt | None]:
        """As `state`, or an empty one and the reason."""
        try:
            return self.state(), None
        except Corrupt as error:
            return State(), error

    def versions(self, state: State) -> list[str]:
        """All versions that are there, the one last saved first."""
        known = {version: self.record(version, state) for version in self._on_disk()}
        return sorted(
            known,
            key=lambda version: (known[version].order, known[version].created, version),
            reverse=True,
        )

    def record(self, version: str, state: State) -> Record:
        """What the state says of a version; the file's time where its writer died too early."""
        if version in state.versions:
            return state.versions[version]
        try:
            seconds = (self.folder / version / MANIFEST).lstat().st_mtime
        except OSError:
            seconds = 0.0
        return Record(0, datetime.fromtimestamp(seconds, UTC))

    def entry(self, version: str, state: State) -> Entry:
        """Read one version's manifest; FileNotFoundError if it is gone, Corrupt if it is broken."""
        folder = self.folder / version
        manifest = read_manifest(folder, Tag(self.name, version))
        record = self.record(version, state)
        return Entry(
            tag=manifest.tag,
            path=folder,
            about=manifest.about,
            files=manifest.files,
            created=record.created,
            aliases=state.aliases_of(version),
            source=record.source,
            trusted=record.trusted,
        )

    def find(self, wanted: str | None) -> Entry:
        """The version that `wanted` means, now.

        Raises:
            NotFound: there is none.
            Corrupt: it is broken, or the state is and `wanted` is no exact version.
        """
        for _ in range(_TRIES):
            state, error = self.state_or_error()
            try:
                return self.entry(self.resolve(wanted, state, error), state)
            except FileNotFoundError:
                continue
        raise NotFound(f"{Tag(self.name, wanted)} is being deleted and saved all the time")

    def resolve(self, wanted: str | None, state: State, error: Corrupt | None) -> str:
        """The exact version, after the state that was read or the error instead of it."""
        versions = self.versions(state)
        if error is not None and (wanted in {None, LATEST} or not _fits(str(wanted), versions)):
            raise error
        aliases = {alias: past[-1] for alias, past in state.aliases.items()}
        return resolve(self.name, wanted, versions, aliases, self.kind)

    def _on_disk(self) -> list[str]:
        return [
            entry.name
            for entry in list_directory(self.folder)
            if _is_valid(entry.name) and (entry.is_symlink() or Path(entry.path).is_dir())
        ]


def names(kind_folder: Path) -> list[str]:
    """All names in a store, sorted."""
    return [
        entry.name
        for entry in list_directory(kind_folder)
        if _is_valid(entry.name) and Path(entry.path).is_dir()
    ]


def _fits(wanted: str, versions: Sequence[str]) -> bool:
    return any(version.startswith(wanted) for version in versions)


def _is_valid(text: str) -> bool:
    try:
        check_name(text)
    except InvalidTag:
        return False
    return True
