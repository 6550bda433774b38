"""What a version consists of, as canonical bytes and the digest they give; knows no disk."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from minibento.errors import Corrupt, StoreError
from minibento.tag import LATEST, Tag

__all__ = ["MANIFEST", "MAX_MANIFEST", "FileRecord", "Json", "Manifest", "check_path"]

Json: TypeAlias = (
    "bool | int | float | str | list[Json] | tuple[Json, ...] | Mapping[str, Json] | None"
)

MANIFEST = "manifest.json"
MAX_MANIFEST = 64 << 20  # bytes; 100,000 files are 15 MB
_FORMAT = 1
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\]")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError, StoreError)


@dataclass(frozen=True, slots=True, order=True)
class FileRecord:
    """One file: its path below the version's folder (with `/`), bytes, and sha256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """A version's own description of itself; the digest covers `files` and `about` only.

    Attributes:
        name: The model or bundle it belongs to.
        explicit: The version its author chose; None: it is named by its content.
        files: Sorted by path.
        about: Plain JSON as given by whoever saved it.
    """

    name: str
    explicit: str | None
    files: tuple[FileRecord, ...]
    about: dict[str, Any]

    @classmethod
    def of(
        cls, name: str, explicit: str | None, files: list[FileRecord], about: Mapping[str, Json]
    ) -> "Manifest":
        """Describe new content.

        Raises:
            TypeError: `about` is not JSON; the message says where.
        """
        _check_json(about, "about")
        return cls(name, explicit, tuple(sorted(files)), json.loads(_canonical(about)))

    @property
    def digest(self) -> str:
        """The sha256 of the canonical form, in hex."""
        return hashlib.sha256(_canonical(self._content())).hexdigest()

    @property
    def version(self) -> str:
        """The explicit version, else the first 16 characters of the digest in base32."""
        if self.explicit is not None:
            return self.explicit
        return base64.b32encode(bytes.fromhex(self.digest))[:16].decode().lower()

    @property
    def tag(self) -> Tag:
        """Name and exact version."""
        return Tag(self.name, self.version)

    def _content(self) -> dict[str, Any]:
        files = {record.path: [record.size, record.sha256] for record in self.files}
        return {"files": files, "about": self.about}

    def to_bytes(self) -> bytes:
        """What `manifest.json` holds: readable, and one form only for one manifest."""
        whole = {
            "format": _FORMAT,
            "name": self.name,
            "explicit": self.explicit,
            "digest": self.digest,
            **self._content(),
        }
        return (json.dumps(whole, indent=1, sort_keys=True, allow_nan=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Read back what `to_bytes` wrote; any other byte anywhere is refused.

        Raises:
            Corrupt: it is not, to the byte, what `to_bytes` writes.
        """
        try:
            whole = json.loads(data)
            if whole["format"] != _FORMAT:
                raise Corrupt(
                    f"has format {whole['format']!r}, this minibento reads {_FORMAT}: "
                    "use the minibento that wrote it, or a newer one"
                )
            manifest = cls._from_json(whole)
            intact = manifest.to_bytes() == data
        except _UNREADABLE as error:
            raise Corrupt(f"cannot be read: {type(error).__name__}: {error}") from error
        if not intact:
            raise Corrupt("is not what was saved: its own digest does not match")
        return manifest

    @classmethod
    def _from_json(cls, whole: dict[str, Any]) -> "Manifest":
        tag = Tag(whole["name"], whole["explicit"])
        if tag.version == LATEST:
            raise ValueError(f"{LATEST!r} is no version")
        records = []
        for path, (size, sha256) in whole["files"].items():
            check_path(path)
            if type(size) is not int or size < 0 or _SHA256.match(sha256) is None:
                raise ValueError(f"{path!r} has size {size!r} and sha256 {sha256!r}")
            records.append(FileRecord(path, size, sha256))
        if not isinstance(whole["about"], dict):
            raise TypeError("`about` is not an object")
        return cls(tag.name, tag.version, tuple(sorted(records)), whole["about"])


def check_path(path: str) -> str:
    """Return `path` unchanged if a version may hold a file of that path.

    Raises:
        StoreError: it leaves the folder, is not portable, or is the store's own manifest.json.
    """
    rule = "paths are relative, with / and without . or .., at most 1,000 bytes of UTF-8"
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        raise StoreError(f"{path!r} cannot be stored, its name is not UTF-8: {rule}") from None
    safe = 0 < size <= 1000 and _UNSAFE.search(path) is None and path == str(PurePosixPath(path))
    if not safe or path.startswith("/") or {".", ".."} & set(path.split("/")):
        raise StoreError(f"{path[:100]!r} cannot be stored: {rule}; rename the file")
    if path.lower() == MANIFEST:
        raise StoreError(f"{path!r} is the name of the store's own file: rename yours")
    return path


def _canonical(value: object) -> bytes:
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def _check_json(value: object, where: str) -> None:
    """`json` alone would turn other keys into text and name no place in its errors."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{where} has the key {key!r}: keys must be str")
            _check_json(key, f"a key of {where}")
            _check_json(inner, f"{where}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check_json(inner, f"{where}[{index}]")
    else:
        _check_scalar(value, where)


def _check_scalar(value: object, where: str) -> None:
    if value is not None and type(value) not in {bool, int, float, str}:
        raise TypeError(
            f"{where} is a {type(value).__name__}: only None, bool, int, float, str, list and "
            "dict can be recorded; convert it"
        )
    if isinstance(value, float) and (value - value) != 0:
        raise TypeError(f"{where} is {value}, which JSON cannot hold: use None")
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise TypeError(f"{where} is {value!r}, which is not Unicode text") from None
