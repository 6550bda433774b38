"""Archives made by hand, as `export` writes them but for one thing."""

import hashlib
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from minibento.store.manifest import MANIFEST, FileRecord, Json, Manifest

__all__ = ["lying", "pack"]


def pack(
    path: Path,
    members: Mapping[str, bytes],
    *,
    name: str = "credit",
    about: Mapping[str, Json] | None = None,
    listed: Mapping[str, bytes] | None = None,
    change: Callable[[zipfile.ZipInfo], None] = lambda info: None,
) -> Path:
    """An archive of these members, but for `change`, with a manifest that lists `listed`."""
    records = [
        FileRecord(one, len(data), hashlib.sha256(data).hexdigest())
        for one, data in (members if listed is None else listed).items()
    ]
    with zipfile.ZipFile(path, "w") as made:
        manifest = Manifest.of(name, None, records, about or {}).to_bytes()
        for one, data in {MANIFEST: manifest, **members}.items():
            info = zipfile.ZipInfo(one, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | 0o444) << 16
            if one != MANIFEST:
                change(info)
            made.writestr(info, data)
    return path


def lying(path: Path, name: str, size: int) -> Path:
    """The same archive, but this member unpacks to so many zeros and says otherwise."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        whole = [(info, archive.read(info)) for info in infos]
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    bomb = b"".join(squeezed.compress(bytes(1 << 20)) for _ in range(size >> 20)) + squeezed.flush()
    said = path.read_bytes()
    packed, directory = bytearray(), bytearray()
    for info, data in whole:
        central = said.index(b"PK\1\2", _central(said, info))
        length = 46 + sum(struct.unpack_from("<3H", said, central + 28))
        record = bytearray(said[central : central + length])
        start = info.header_offset
        header = bytearray(
            said[start : start + 30 + sum(struct.unpack_from("<2H", said, start + 26))]
        )
        body = said[start + len(header) :][: info.compress_size]
        if info.filename == name:
            body = bomb
            struct.pack_into("<H", header, 8, zipfile.ZIP_DEFLATED)
            struct.pack_into("<H", record, 10, zipfile.ZIP_DEFLATED)
            struct.pack_into("<2L", header, 18, len(body), len(data))
            struct.pack_into("<2L", record, 20, len(body), len(data))
        struct.pack_into("<L", record, 42, len(packed))
        packed += header + body
        directory += record
    end = struct.pack(
        *("<4s4H2LH", b"PK\5\6", 0, 0, len(whole), len(whole), len(directory), len(packed), 0)
    )
    path.write_bytes(packed + directory + end)
    return path


def _central(data: bytes, info: zipfile.ZipInfo) -> int:
    """Where the directory's record of an entry begins."""
    at = struct.unpack("<L", data[-6:-2])[0]
    while data[at + 46 :][: len(info.filename.encode())] != info.filename.encode():
        at += 46 + sum(struct.unpack_from("<3H", data, at + 28))
    return int(at)
