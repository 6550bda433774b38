"""Hostile bundles: each a whole and installable one, changed in one way."""

import hashlib
import json
import stat
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from minibento.store.manifest import MANIFEST
from tests.store.packing import lying, pack

__all__ = ["CANARY", "CASES", "evil_wheel", "repacked"]

CANARY = "canary-was-here"
# It lands in whatever folder a case could make somebody write it to, or run it in.
EVIL = f"open({CANARY!r}, 'w').close()\n"
Change = Callable[[Path], None]
CASES: dict[str, Change] = {}


def repacked(
    path: Path,
    extra: Mapping[str, bytes] | None = None,
    *,
    unlisted: Mapping[str, bytes] | None = None,
    missing: str = "",
    change: Callable[[zipfile.ZipInfo], None] = lambda info: None,
) -> None:
    """Pack a bundle again with more files, some of them not in its manifest."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist() if one != MANIFEST}
        about = json.loads(archive.read(MANIFEST))["about"]
    listed = {**members, **(extra or {})}
    packed = {one: data for one, data in listed.items() if one != missing}
    packed |= unlisted or {}
    pack(path, packed, name="doubling", about=about, listed=listed, change=change)


def evil_wheel(path: Path) -> tuple[str, bytes]:
    """Name and bytes of a minibento that leaves the canary."""
    with zipfile.ZipFile(path) as archive:
        (name,) = (one for one in archive.namelist() if one.startswith("wheels/minibento-"))
        aside = path.with_suffix(".whl")
        aside.write_bytes(archive.read(name))
    with zipfile.ZipFile(aside) as wheel, zipfile.ZipFile(path.with_suffix(".evil"), "w") as evil:
        for one in wheel.namelist():
            mine = EVIL.encode() if one == "minibento/packager/install.py" else wheel.read(one)
            evil.writestr(one, mine)
    data = path.with_suffix(".evil").read_bytes()
    aside.unlink()
    path.with_suffix(".evil").unlink()
    return name, data


def _appended(path: Path, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.external_attr = (stat.S_IFREG | 0o444) << 16
    with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as archive:
        warnings.simplefilter("ignore")  # of the name that is given twice
        archive.writestr(info, data)


def _manifest(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        whole: dict[str, Any] = json.loads(archive.read(MANIFEST))
    return whole


def _with_manifest(path: Path, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in {**members, MANIFEST: data}.items():
            info = zipfile.ZipInfo(one, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | 0o444) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


# P1: names -------------------------------------------------------------------------------------

NAMES = [
    "../x",
    "/abs",
    "a/../../x",
    "..\\x",
    "C:\\x",
    "a\nb",
    "x" * 5000,
    ".",
    "a/",
    "./a",
    "a//b",
]


def _named(name: str) -> Change:
    return lambda path: repacked(path, {name: EVIL.encode()})


def _with_nul(path: Path) -> None:
    repacked(path, {"aXb": b"1"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))


def _not_utf8(path: Path) -> None:
    repacked(path, {"a\u00e9b": b"1"})
    path.write_bytes(path.read_bytes().replace("a\u00e9b".encode(), b"a\xff\xfeb"))


def _without_name(path: Path) -> None:
    repacked(path, {"Q": b"1"})
    data = bytearray(path.read_bytes())
    for magic, length, begin in ((b"PK\1\2", 28, 46), (b"PK\3\4", 26, 30)):
        at = data.rindex(magic)
        assert data[at + begin : at + begin + 1] == b"Q"
        struct.pack_into("<H", data, at + length, 0)
    path.write_bytes(data)


# P2, P3: kinds ---------------------------------------------------------------------------------


def _kind(kind: int) -> Change:
    def change(info: zipfile.ZipInfo) -> None:
        if info.filename == "link":
            info.external_attr = (kind | 0o777) << 16

    return lambda path: repacked(path, {"link": b"/etc", "link/x": EVIL.encode()}, change=change)


# P5: bombs -------------------------------------------------------------------------------------


def _bomb(path: Path) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_DEFLATED

    repacked(path, {"zeros": bytes(1 << 30)}, change=change)


def _overlap(path: Path) -> None:
    repacked(path, {"a": b"1", "b": b"1"})
    data = bytearray(path.read_bytes())
    last = data.rindex(b"PK\1\2")
    before = data.rindex(b"PK\1\2", 0, last)
    data[last + 42 : last + 46] = data[before + 42 : before + 46]
    path.write_bytes(data)


# P6: damage ------------------------------------------------------------------------------------


def _cut(tenths: int) -> Change:
    def cut(path: Path) -> None:
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * tenths // 10])

    return cut


def _bad_checksum(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for magic, at in ((b"PK\1\2", 16), (b"PK\3\4", 14)):
        data[data.rindex(magic) + at] ^= 1
    path.write_bytes(data)


# P7: the manifest ------------------------------------------------------------------------------


def _changed(change: Callable[[dict[str, Any]], object]) -> Change:
    def changed(path: Path) -> None:
        whole = _manifest(path)
        change(whole)
        _with_manifest(path, (json.dumps(whole, indent=1, sort_keys=True) + "\n").encode())

    return changed


def _digest(whole: dict[str, Any]) -> None:
    whole["digest"] = "0" * 64


def _size(whole: dict[str, Any]) -> None:
    whole["files"]["code/service.py"][0] += 1


def _two_manifests(path: Path) -> None:
    whole = _manifest(path)
    name, data = evil_wheel(path)
    whole["files"][name] = [len(data), hashlib.sha256(data).hexdigest()]
    _appended(path, name, data)
    _appended(path, MANIFEST, json.dumps(whole).encode())


def _two_of_one_wheel(path: Path) -> None:
    _appended(path, *evil_wheel(path))


def _another_wheel(name: str) -> Change:
    """The manifest, whole in itself, says that our wheel is another file."""

    def changed(path: Path) -> None:
        old, data = evil_wheel(path)
        whole = _manifest(path)
        del whole["files"][old]
        whole["files"][name] = [len(data), hashlib.sha256(data).hexdigest()]
        _with_manifest(path, json.dumps(whole).encode())
        _appended(path, name, data)

    return changed


def _cases() -> Iterator[tuple[str, Change]]:
    for name in NAMES:
        yield f"P1 {name[:12]!a}", _named(name)
    yield from (("P1 NUL", _with_nul), ("P1 not UTF-8", _not_utf8), ("P1 empty", _without_name))
    for kind in ("S_IFLNK", "S_IFIFO", "S_IFCHR", "S_IFBLK", "S_IFSOCK", "S_IFDIR"):
        yield f"P2 P3 {kind}", _kind(getattr(stat, kind))
    yield "P5 bomb", _bomb
    yield "P5 manifest that lies", lambda path: _lie(path, MANIFEST)
    yield "P5 wheel that lies", lambda path: _lie(path, evil_wheel(path)[0])
    lists = b'{"files": [' + b"[]," * 10_000_000 + b"[]]}"
    yield "P5 manifest that is all lists", lambda path: _with_manifest(path, lists)
    yield "P5 deep manifest", lambda path: _with_manifest(path, b"[" * 1_000_000)
    yield "P5 overlapping", _overlap
    for tenths in range(10):
        yield f"P6 cut at {tenths}0 %", _cut(tenths)
    yield "P6 trailing", lambda path: _rewritten(path, lambda data: data + b"x")
    yield "P6 before", lambda path: _rewritten(path, lambda data: b"#!/bin/sh\n" + data)
    yield "P6 comment", lambda path: _rewritten(path, lambda data: data[:-2] + b"\1\0!")
    yield "P6 twice", lambda path: _rewritten(path, lambda data: data + data)
    yield "P6 checksum", _bad_checksum
    yield "P6 no archive", lambda path: _rewritten(path, lambda data: b"x" * 10_000)
    yield "P7 digest", _changed(_digest)
    yield "P7 size", _changed(_size)
    yield "P7 extra", lambda path: repacked(path, unlisted={"code/extra.py": EVIL.encode()})
    yield "P7 missing", lambda path: repacked(path, missing="code/service.py")
    yield "P7 two manifests", _two_manifests
    yield "P7 two of one wheel", _two_of_one_wheel
    yield "P7 files is a list", _changed(lambda whole: whole.update(files=["wheels/minibento-x"]))
    yield "P7 no wheel", _changed(lambda whole: whole.update(files={}))
    for name in ("wheels/minibento-/../../../x", "wheels/minibento-..", "wheels/minibento-1/x.whl"):
        yield f"P7 wheel called {name}", _another_wheel(name)


def _lie(path: Path, name: str) -> None:
    lying(path, name, 600 << 20)


def _rewritten(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


CASES.update(_cases())
