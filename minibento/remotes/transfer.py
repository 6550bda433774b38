"""Push and pull as they are for every place: only what is missing moves, the name comes last."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from minibento.errors import AlreadyExists, Corrupt, NotFound, RemoteError
from minibento.remotes.address import Address
from minibento.remotes.base import Blob, Found, Remote, opened
from minibento.store.arrival import Arrival, kind_of
from minibento.store.disk import disk_errors
from minibento.store.entry import Entry
from minibento.store.files import VerifiedFiles, read_manifest, reading
from minibento.store.manifest import FileRecord, Manifest
from minibento.store.store import Store
from minibento.tag import LATEST, Tag
from minibento.wording import shown

__all__ = ["Moved", "Progress", "pull", "push"]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z", re.IGNORECASE)
_FEW = 10  # names are listed at most


class Progress(Protocol):
    """Is told of what moves."""

    def begin(self, path: str, size: int) -> None:
        """A file begins to move, or begins again."""
        ...

    def moved(self, count: int) -> None:
        """Some bytes of it have moved."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """What was pushed or pulled.

    Attributes:
        tag: The version.
        url: Where it is, with a name that stands for it there.
        digest: What the place calls its document by.
        sent: Bytes of files that were sent or received.
        skipped: Bytes of files that were there already.
    """

    tag: Tag
    url: str
    digest: str
    sent: int
    skipped: int


def push(entry: Entry, address: Address, progress: Progress) -> Moved:
    """Send a version; its name at the place is the version, and the address's tag if it has one.

    Raises:
        AlreadyExists: the place has another version under one of these names.
        Corrupt: a file is not what was saved; nothing there has a name then.
        RemoteError: the place refuses or cannot be reached.
    """
    with reading(entry.tag, entry.path):
        manifest = read_manifest(entry.path, entry.tag)
    names = list(dict.fromkeys([manifest.version, address.tag or manifest.version]))
    with opened(address, writing=True) as remote:
        remote.check(manifest)
        standing = [_standing(remote, address.at(name), name, manifest) for name in names]
        _check_kind(next(filter(None, standing), None) or _any(remote), address, manifest)
        sent, skipped = _send(remote, entry, progress)
        digest = remote.publish(manifest, names)
    return Moved(entry.tag, str(address.at(names[-1])), digest, sent, skipped)


def pull(
    store: Store,
    address: Address,
    progress: Progress,
    *,
    trust: bool,
    latest: bool,
    digest: str | None = None,
) -> tuple[Entry, Moved]:
    """Take in the version that an address names, else the one called `latest` there.

    Args:
        store: Where it goes.
        address: Where it comes from.
        progress: Is told.
        trust: Take it in even if loading it can execute code that is in it.
        latest: Make it `latest`; otherwise it is only if the name had no versions.
        digest: What `push` said the place calls it by; None: whatever stands there is taken.

    Raises:
        Corrupt: what comes is not what was pushed, or has another digest; nothing is kept.
        NotFound: the place has nothing of that name.
        Untrusted: it can execute code and `trust` is not given.
        AlreadyExists: its explicit version exists with other content.
        StoreError: the store cannot take it, or it is of the other kind.
        RemoteError: the place refuses or cannot be reached, or `digest` is none.
    """
    if digest is not None and _DIGEST.match(digest) is None:
        raise RemoteError(
            f"{shown(digest)} is no digest: give sha256: and 64 hex digits, as `push -o json` does"
        )
    name = address.tag or LATEST
    where = str(address.at(name))
    arrival = Arrival(where, where, store.kind, "pull", trust=trust, latest=latest)
    with opened(address, writing=False) as remote:
        found = remote.find(name)
        if found is None:
            raise _nothing(remote, address)
        manifest = found.manifest
        if digest is not None and found.digest != digest.lower():
            raise Corrupt(
                f"{where} has the digest {found.digest}, not {digest}: pull the right one"
            )
        arrival.check(manifest)
        near = _Near(store, manifest.name)
        with store.draft(manifest.name) as made:
            sent = skipped = 0
            for record in manifest.files:
                with disk_errors(f"cannot pull {manifest.tag}", made.path):
                    target = made.path / record.path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    if near.copy(record, target):
                        skipped += record.size
                        continue
                    _receive(remote, record, target, arrival, progress)
                sent += record.size
                near.add(VerifiedFiles(made.path, manifest.tag, (record,)), record)
            entry = arrival.finish(made, manifest)
    return entry, Moved(entry.tag, where, found.digest, sent, skipped)


def _standing(remote: Remote, address: Address, name: str, manifest: Manifest) -> Found | None:
    """What a name stands for. A version's own never comes to stand for another; any other name
    moves like an alias.
    """
    found = remote.find(name)
    if (
        found is not None
        and found.manifest != manifest
        and name in {found.manifest.version, manifest.version}
    ):
        raise AlreadyExists(
            f"{address} is {found.manifest.tag}, with other content: push to another place"
            + ("" if name == manifest.version else " or under another name")
        )
    return found


def _any(remote: Remote) -> Found | None:
    """One that the place has; None where it has none, or one that is damaged: a push mends that."""
    for name in remote.names()[:1]:
        with suppress(Corrupt, NotFound):
            return remote.find(name)
    return None


def _check_kind(found: Found | None, address: Address, manifest: Manifest) -> None:
    """A place of models stays one of models: whoever pulls from it says which kind is meant."""
    if found is not None and kind_of(found.manifest) != kind_of(manifest):
        raise AlreadyExists(
            f"{address} holds {kind_of(found.manifest)}, {manifest.tag} is of the "
            f"{kind_of(manifest)}: push it to another place"
        )


def _send(remote: Remote, entry: Entry, progress: Progress) -> tuple[int, int]:
    files, seen, sent, skipped = entry.open_files(), set[Blob](), 0, 0
    for record in entry.files:
        blob = Blob.of(record)
        if blob in seen or remote.has(blob):
            skipped += blob.size
        else:
            remote.put(blob, partial(_told, files, record, progress))
            sent += blob.size
        seen.add(blob)
    return sent, skipped


def _told(files: VerifiedFiles, record: FileRecord, progress: Progress) -> Iterator[bytes]:
    progress.begin(record.path, record.size)
    for block in files.blocks(record.path):
        yield block
        progress.moved(len(block))


def _receive(
    remote: Remote, record: FileRecord, target: Path, arrival: Arrival, progress: Progress
) -> None:
    progress.begin(record.path, record.size)
    digest, size = hashlib.sha256(), 0
    try:
        with target.open("xb") as file:
            for block in remote.read(Blob.of(record)):
                size += len(block)
                if size > record.size:
                    break
                digest.update(block)
                file.write(block)
                progress.moved(len(block))
    except (Corrupt, NotFound) as error:
        raise arrival.refused(f"{record.path!r}: {error}") from error
    if size != record.size or digest.hexdigest() != record.sha256:
        raise arrival.refused(f"{record.path!r} is not what its manifest says")


def _nothing(remote: Remote, address: Address) -> NotFound:
    names = remote.names()
    if not names:
        return NotFound(f"{address}: nothing has been pushed there")
    others = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" * (len(names) > _FEW))
    missing = "which version?" if address.tag is None else "that is not there."
    return NotFound(f"{address}: {missing} There is {others}: write one of them behind a colon")


class _Near:
    """Content that this machine has already: of the name's other versions, and what has come."""

    def __init__(self, store: Store, name: str) -> None:
        self._known: dict[tuple[str, int], tuple[VerifiedFiles, str]] = {}
        for entry in store.list(name):
            if isinstance(entry, Entry):
                files = entry.open_files()
                for record in entry.files:
                    self.add(files, record)

    def add(self, files: VerifiedFiles, record: FileRecord) -> None:
        """This content can be had there."""
        self._known[record.sha256, record.size] = files, record.path

    def copy(self, record: FileRecord, target: Path) -> bool:
        """Write it to `target`, verified; False if it is not here, or no longer."""
        known = self._known.get((record.sha256, record.size))
        if known is None:
            return False
        files, path = known
        with suppress(Corrupt, NotFound):
            with target.open("xb") as file:
                files.copy(path, file)
            return True
        target.unlink()
        return False
