"""One version as one deterministic zip file, out and in; knows no store beyond a draft to fill."""

import os
import re
import secrets
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from minibento.errors import AlreadyExists, Corrupt, StoreError
from minibento.store.arrival import Arrival, refusal
from minibento.store.disk import BLOCK, disk_errors, move, path_errors
from minibento.store.draft import Draft
from minibento.store.entry import Entry
from minibento.store.files import open_below, read_manifest, reading, sha256_of
from minibento.store.manifest import MANIFEST, MAX_MANIFEST, Manifest
from minibento.store.zip_layout import MAX_RATIO, check_layout
from minibento.wording import shown

__all__ = ["archive_manifest", "check_digest", "export_archive", "import_archive"]

_SUFFIXES = {"models": ".zip", "bundles": ".bundle"}
_WORTH = 0.95  # compressed to more than this share, a file is stored as it is
# A manifest takes up to 25 times its size in memory: it may not be much longer than what it lists.
_ABOUT = 8 << 20
_RECORD = 1200
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError)
_SHA256 = re.compile(r"[0-9a-fA-F]{64}\Z")
_TIME = (1980, 1, 1, 0, 0, 0)


def export_archive(entry: Entry, path: Path, kind: str) -> Path:
    """Write `entry` to `path`, or into the folder `path` under a name made from its tag."""
    if path.is_dir():
        path /= f"{entry.tag.name}-{entry.tag.version}{_SUFFIXES[kind]}"
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with path_errors(f"cannot export {entry.tag}", path):
        if os.path.lexists(path):
            raise AlreadyExists(f"{path} exists: remove it, or choose another path")
        try:
            _write(entry, aside, compress=True)
            if _unpacked(entry) > MAX_RATIO * aside.stat().st_size:
                # What compresses this well would be refused on import as a zip bomb.
                _write(entry, aside, compress=False)
            move(aside, path, entered=path.parent)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
    return path


def import_archive(
    draft: Callable[[str], AbstractContextManager[Draft]],
    path: Path,
    kind: str,
    *,
    trust: bool,
    latest: bool,
) -> Entry:
    """Check the archive at `path` in whole, fill a draft with it, and publish that."""
    arrival = Arrival(str(path), path.name, kind, "import", trust=trust, latest=latest)
    with _opened(path) as (archive, manifest):
        arrival.check(manifest)
        _check_listed(archive, manifest, path)
        with draft(manifest.name) as made:
            for info in archive.infolist():
                if info.filename != MANIFEST:
                    with disk_errors(f"cannot import {manifest.tag}", made.path):
                        _extract(archive, info, made.path)
            return arrival.finish(made, manifest)


def archive_manifest(path: Path) -> Manifest:
    """What an archive says of itself; whether its files are as it says, importing it finds out.

    Raises what `Store.import_` raises.
    """
    with _opened(path) as (_, manifest):
        return manifest


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    with path_errors("cannot import", path), open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise StoreError(f"cannot import {path}: not a regular file")
        try:
            yield _read(path, file)
        except _DAMAGE as error:
            raise _refused(path, f"{type(error).__name__}: {error}") from error


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for somebody to write into what may be a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)


def _read(path: Path, file: BinaryIO) -> tuple[zipfile.ZipFile, Manifest]:
    try:
        archive = check_layout(file)
        return archive, Manifest.from_bytes(_read_manifest(archive))
    except Corrupt as error:
        raise _refused(path, str(error)) from error


def _write(entry: Entry, path: Path, *, compress: bool) -> None:
    files = entry.open_files()
    with reading(entry.tag, entry.path):
        manifest = read_manifest(entry.path, entry.tag).to_bytes()
    best = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with path.open("wb") as raw:
        with zipfile.ZipFile(raw, "w") as archive:
            archive.writestr(_info(MANIFEST, len(manifest), best), manifest)
            for record in entry.files:
                with reading(entry.tag, entry.path):
                    worth = compress and _is_worth_compressing(entry.path, record.path)
                method = best if worth else zipfile.ZIP_STORED
                with archive.open(_info(record.path, record.size, method), "w") as target:
                    files.copy(record.path, cast("BinaryIO", target))
        raw.flush()
        os.fsync(raw.fileno())


def _info(name: str, size: int, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.compress_type = method
    info.file_size = size  # decides whether the entry gets 64-bit lengths
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o444) << 16
    return info


def _is_worth_compressing(folder: Path, path: str) -> bool:
    """Judge by the first block: model files are alike all the way."""
    with os.fdopen(open_below(folder, path), "rb") as file:
        sample = file.read(BLOCK)
    return len(zlib.compress(sample, 1)) < _WORTH * len(sample)


def _unpacked(entry: Entry) -> int:
    with reading(entry.tag, entry.path):
        return entry.size + (entry.path / MANIFEST).stat().st_size


def _read_manifest(archive: zipfile.ZipFile) -> bytes:
    if MANIFEST not in archive.NameToInfo:
        raise Corrupt(f"it holds no {MANIFEST}, so it is no exported version")
    limit = min(MAX_MANIFEST, _ABOUT + _RECORD * len(archive.NameToInfo))
    with archive.open(MANIFEST) as file:
        # Its claim of a size may be a lie, and `ZipFile.read` unpacks before it looks at that.
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Corrupt(f"its {MANIFEST} exceeds {limit} bytes")
    return data


def check_digest(path: Path, sha256: str) -> None:
    """Compare a file with its sha256, in hex.

    Raises:
        Corrupt: it has another one.
        StoreError: the file cannot be read, or that is no sha256.
    """
    if _SHA256.match(sha256) is None:
        raise StoreError(
            f"{shown(sha256)} is no sha256: give the 64 hex digits that `sha256sum FILE` prints"
        )
    with path_errors("cannot read", path), open(path, "rb", opener=_at_once) as file:
        found = sha256_of(file)
    if found != sha256.lower():
        raise Corrupt(f"{path} has the sha256 {found}, not {sha256}: get the right file")


def _check_listed(archive: zipfile.ZipFile, manifest: Manifest, path: Path) -> None:
    """Before anything is unpacked: names and sizes are those of the manifest."""
    claimed = {(one.filename, one.file_size) for one in archive.infolist()}
    claimed = {one for one in claimed if one[0] != MANIFEST}
    listed = {(one.path, one.size) for one in manifest.files}
    if claimed != listed:
        raise _refused(path, f"{min(claimed ^ listed)[0]!r} is not what its manifest says")


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> None:
    target = folder / info.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(info) as source, target.open("xb") as file:
        while block := source.read(BLOCK):
            file.write(block)


def _refused(path: Path, reason: str) -> Corrupt:
    return refusal(str(path), "import", reason)
