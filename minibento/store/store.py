"""The store: versioned, immutable, verified folders; knows neither models nor bundles.

    <root>/<kind>/<name>/<version>/     the files and manifest.json
    <root>/<kind>/<name>/.state.json    order of saves, aliases, trust     .lock: held by its writer
    <root>/<kind>/.staging/             what is being written or deleted

Writers lock per name. Readers take no lock and never see half of anything.
"""

import builtins
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from minibento.errors import AlreadyExists, InUse, InvalidTag, MinibentoError, NotFound, StoreError
from minibento.store.disk import disk_errors, move, remove_tree
from minibento.store.draft import Draft
from minibento.store.entry import Broken, Entry
from minibento.store.resolve import unknown_name
from minibento.store.shelf import Shelf, names
from minibento.store.staging import stage
from minibento.tag import LATEST, Tag, check_version

__all__ = ["Broken", "Draft", "Entry", "Store"]


class Store:
    """All models (or bundles) below one folder, which need not exist before the first save.

    Every method that writes raises StoreError where the disk refuses, naming the path.

    Args:
        root: `minibento.store.home.home()`, or any folder.
        kind: The folder below it: `models` or `bundles`.
    """

    def __init__(self, root: Path, kind: str = "models") -> None:
        self.kind = kind
        self.folder = Path(root).absolute() / kind

    # Reading -------------------------------------------------------------------------------------

    def get(self, tag: str | Tag) -> Entry:
        """One version: exact, by alias, `latest` (also without a version), or by a unique prefix.

        Raises:
            InvalidTag: that is no tag.
            NotFound: there is no such version.
            Corrupt: it is there and broken.
            StoreError: the store cannot be read.
        """
        wanted = Tag.parse(tag)
        with self._reading():
            known = names(self.folder)
            if wanted.name not in known:
                raise unknown_name(wanted.name, known, self.kind)
            return self._shelf(wanted.name).find(wanted.version)

    def list(self, name: str | None = None) -> builtins.list[Entry | Broken]:
        """All versions by name, the one last saved first; what is broken is listed as such.

        A store that does not exist yet is empty.

        Raises:
            InvalidTag: `name` is not a name.
            StoreError: the store cannot be read.
        """
        with self._reading():
            known = names(self.folder)
        if name is None:
            return [one for each in known for one in self._list(self._shelf(each))]
        return self._list(self._shelf(name))

    def verify(self, tag: str | Tag) -> Entry:
        """Hash every file of a version, and look for files that do not belong.

        Raises:
            Corrupt: it is not what was saved; the message names the file.
            NotFound: there is no such version.
        """
        entry = self.get(tag)
        entry.open_files().verify()
        return entry

    def aliases(self, name: str) -> dict[str, Tag]:
        """All aliases of a name, each with the version it points at."""
        with self._reading():
            state = self._known(name).state()
        return {alias: Tag(name, past[-1]) for alias, past in sorted(state.aliases.items())}

    def history(self, name: str, alias: str) -> builtins.list[Tag]:
        """The versions an alias has pointed at and can go back to, the present one last.

        Raises:
            NotFound: there is no such alias.
        """
        with self._reading():
            past = self._known(name).state().aliases
        return [Tag(name, version) for version in _past(name, alias, past)]

    def export(self, tag: str | Tag, path: Path) -> Path:
        """Write one version into one zip file; the same version always gives the same bytes.

        Args:
            tag: Which version.
            path: The file, or a folder in which it is named after the tag. Nothing is overwritten.

        Raises:
            Corrupt: a file of the version is not what was saved; no archive is left.
            StoreError: the file exists or cannot be written.
        """
        # `zipfile` costs as much to import as the rest of the store; most runs need none.
        from minibento.store.archive import export_archive

        return export_archive(self.get(tag), Path(path), self.kind)

    # Writing -------------------------------------------------------------------------------------

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        """An empty folder to fill and publish; nothing is left of it unless it is published."""
        shelf = self._shelf(name)
        with ExitStack() as staged:
            with disk_errors(f"cannot save {name!r}", self.folder):
                folder = staged.enter_context(stage(self.folder / ".staging")) / "content"
                folder.mkdir(mode=0o755)
            yield Draft(shelf, folder)

    def delete(self, tag: str | Tag, force: bool = False) -> None:
        """Delete one version.

        Args:
            tag: Which; a broken version is deleted by its exact tag.
            force: Also if aliases point at it; they go with it.

        Raises:
            InUse: an alias points at it and `force` is not given.
            NotFound: there is no such version.
        """
        wanted = Tag.parse(tag)
        shelf = self._known(wanted.name)
        with ExitStack() as held, disk_errors(f"cannot delete {wanted}", shelf.folder):
            staging = held.enter_context(stage(self.folder / ".staging"))
            with shelf.lock():
                state = shelf.state()
                version = shelf.resolve(wanted.version, state, None)
                aliases = state.aliases_of(version)
                if aliases and not force:
                    raise InUse(
                        f"{wanted.name}:{version} is what {', '.join(aliases)} points at: point "
                        "the alias elsewhere first, or delete with --force and the alias goes too"
                    )
                move(shelf.folder / version, staging / "deleted", entered=shelf.folder)
                state.forget(version)
                # It is gone whatever the disk says now, and a full disk is why one deletes.
                with suppress(OSError):
                    shelf.write_state(state)
            remove_tree(staging / "deleted")

    def alias(self, tag: str | Tag, alias: str) -> Tag:
        """Point an alias at a version; returns the exact tag it points at now.

        Raises:
            InvalidTag: the alias is not one, or is `latest`.
            AlreadyExists: a version has that name.
            NotFound: there is no such version.
        """
        if check_version(alias) == LATEST:
            raise InvalidTag("'latest' always means the last save: choose another alias")
        wanted = Tag.parse(tag)
        with self._changing(wanted.name) as shelf:
            state = shelf.state()
            if alias in shelf.versions(state):
                raise AlreadyExists(f"{wanted.name}:{alias} is a version: choose another alias")
            version = shelf.find(wanted.version).tag.version
            assert version is not None
            past = state.aliases.setdefault(alias, [])
            if past[-1:] != [version]:
                past.append(version)
                shelf.write_state(state)
        return Tag(wanted.name, version)

    def unalias(self, name: str, alias: str) -> None:
        """Remove an alias and its history; the version it points at stays.

        Raises:
            NotFound: there is no such alias.
        """
        with self._changing(name) as shelf:
            state = shelf.state()
            _past(name, alias, state.aliases)
            del state.aliases[alias]
            shelf.write_state(state)

    def rollback(self, name: str, alias: str) -> Tag:
        """Point an alias at the version before; once more goes one further back.

        Raises:
            NotFound: there is no such alias, or nothing before it.
        """
        with self._changing(name) as shelf:
            state = shelf.state()
            past = _past(name, alias, state.aliases)
            if len(past) < 2:
                raise NotFound(
                    f"{name}:{alias} has pointed at nothing before {past[-1]!r}: "
                    f"set it with: minibento {self.kind} alias {name}:VERSION {alias}"
                )
            past.pop()
            version = shelf.find(past[-1]).tag.version
            shelf.write_state(state)
        return Tag(name, version)

    def import_(self, path: Path, *, trust: bool = False, latest: bool = False) -> Entry:
        """Take in one version from an archive that `export` wrote; all of it or nothing.

        Args:
            path: The archive.
            trust: Take it in even if loading it can execute code that is in it.
            latest: Make it `latest`; otherwise it is only if the name had no versions.

        Raises:
            Corrupt: it is not, to the byte, an archive that `export` writes.
            Untrusted: it can execute code and `trust` is not given.
            AlreadyExists: its explicit version exists with other content.
            StoreError: it cannot be read, exceeds the limits, or is of the other kind.
        """
        from minibento.store.archive import import_archive

        return import_archive(self.draft, Path(path), self.kind, trust=trust, latest=latest)

    # ---------------------------------------------------------------------------------------------

    def _shelf(self, name: str) -> Shelf:
        return Shelf(self.folder, name)

    def _known(self, name: str) -> Shelf:
        shelf = self._shelf(name)
        with self._reading():
            known = names(self.folder)
        if name not in known:
            raise unknown_name(name, known, self.kind)
        return shelf

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with disk_errors("the store cannot be read", self.folder):
            yield

    @contextmanager
    def _changing(self, name: str) -> Iterator[Shelf]:
        shelf = self._known(name)
        with disk_errors(f"cannot change the aliases of {name!r}", shelf.folder), shelf.lock():
            yield shelf

    def _list(self, shelf: Shelf) -> builtins.list[Entry | Broken]:
        found: builtins.list[Entry | Broken] = []
        try:
            with self._reading():
                state, error = shelf.state_or_error()
                versions = shelf.versions(state)
        except StoreError as unreadable:
            return [Broken(Tag(shelf.name), unreadable)]
        if error is not None:
            found.append(Broken(Tag(shelf.name), error))
        for version in versions:
            try:
                with self._reading():
                    found.append(shelf.entry(version, state))
            except MinibentoError as broken:
                # One that was deleted since it was listed is not broken.
                if not isinstance(broken.__cause__, FileNotFoundError):
                    found.append(Broken(Tag(shelf.name, version), broken))
        return found


def _past(name: str, alias: str, aliases: dict[str, builtins.list[str]]) -> builtins.list[str]:
    if alias not in aliases:
        has = f"it has {', '.join(sorted(aliases))}" if aliases else "it has none"
        raise NotFound(f"{name!r} has no alias {check_version(alias)!r}: {has}")
    return aliases[alias]
