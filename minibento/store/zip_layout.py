"""Which zip files may be opened at all: only those laid out as our own writer does; extracts none.

A zip can be read in more than one way: from either end, with entries inside others, with two
names for one entry. Here every byte must belong to exactly one entry or to the directory at the
end, and entry and directory must agree.
"""

import os
import stat
import struct
import zipfile
from typing import Any, BinaryIO

from minibento.errors import Corrupt, StoreError
from minibento.store.arrival import MAX_BYTES, MAX_FILES
from minibento.store.manifest import MANIFEST, check_path

__all__ = ["MAX_RATIO", "check_layout"]

MAX_RATIO = 200
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LOCAL = struct.Struct("<4s5H3L2H")
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_UTF8_NAME = 0x800


def check_layout(file: BinaryIO) -> zipfile.ZipFile:
    """Open an archive for reading after checking all but the entries' contents.

    Raises:
        Corrupt: it is no zip, is cut off, has bytes that belong to nothing, or entries that
            are not regular files with safe names.
        StoreError: it exceeds the limits on what is taken in.
    """
    size = os.fstat(file.fileno()).st_size
    start, count = _directory(file, size)
    # The library reads the whole directory into memory: look at the claim first.
    if count > MAX_FILES + 1:
        raise StoreError(f"the archive has {count} files: at most {MAX_FILES} are taken")
    archive = zipfile.ZipFile(file)
    infos = archive.infolist()
    if len(infos) != count:
        raise Corrupt("its directory does not say what it holds")
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise StoreError(f"the archive unpacks to {total} bytes: at most {MAX_BYTES} are taken")
    if total > MAX_RATIO * size:
        raise Corrupt(f"it unpacks to {total // max(size, 1)} times its size: not made by export")
    if len({info.filename for info in infos}) != len(infos):
        raise Corrupt("it names a file twice")
    end = 0
    for info in infos:
        _check_entry(info)
        end = _check_local(file, info, end)
    if end != start:
        raise Corrupt("it has bytes between its last file and its directory")
    return archive


def _directory(file: BinaryIO, size: int) -> tuple[int, int]:
    """Where the directory begins and how many entries it has, from the record at the very end."""
    end = size - _END.size
    if end < 0:
        raise Corrupt(f"it has {size} bytes, so it is no zip file")
    magic, disk, start_disk, here, count, length, start, comment = _at(file, end, _END)
    if magic != b"PK\5\6" or comment or disk or start_disk or here != count:
        raise Corrupt("it is no zip file, is cut off, or has something after its end")
    if count == 0xFFFF or 0xFFFFFFFF in {length, start}:
        end, count, length, start = _directory64(file, end)
    if start + length != end:
        raise Corrupt("its directory does not end where the file ends")
    return start, count


def _directory64(file: BinaryIO, end: int) -> tuple[int, int, int, int]:
    end -= _LOCATOR.size + _END64.size
    if end < 0:
        raise Corrupt("its 64-bit directory is cut off")
    magic, _, _, _, _, _, _, count, length, start = _at(file, end, _END64)
    locator, _, place, _ = _at(file, end + _END64.size, _LOCATOR)
    if magic != b"PK\6\6" or locator != b"PK\6\7" or place != end:
        raise Corrupt("its 64-bit directory is broken")
    return end, count, length, start


def _check_entry(info: zipfile.ZipInfo) -> None:
    if not stat.S_ISREG(info.external_attr >> 16):
        raise Corrupt(f"{info.filename!r} is not a regular file")
    if info.flag_bits & ~_UTF8_NAME or info.compress_type not in _METHODS or info.comment:
        raise Corrupt(f"{info.filename!r} is packed in a way that export does not use")
    if info.filename != MANIFEST:
        try:
            check_path(info.filename)
        except StoreError as error:
            raise Corrupt(str(error)) from error


def _check_local(file: BinaryIO, info: zipfile.ZipInfo, expected: int) -> int:
    """The entry's own header must stand where the one before ended; returns where this one ends."""
    if info.header_offset != expected:
        raise Corrupt(f"{info.filename!r} overlaps another entry or follows a gap")
    header = _at(file, expected, _LOCAL)
    magic, _, flags, method, _, _, crc, _, _, name_length, extra_length = header
    name = file.read(name_length)
    agrees = (flags, method, crc) == (info.flag_bits, info.compress_type, info.CRC)
    encoding = "utf-8" if flags & _UTF8_NAME else "cp437"
    if magic != b"PK\3\4" or not agrees or name != info.filename.encode(encoding):
        raise Corrupt(f"{info.filename!r} is called or packed otherwise in its own header")
    length = _LOCAL.size + int(name_length) + int(extra_length) + info.compress_size
    return expected + length


def _at(file: BinaryIO, offset: int, record: struct.Struct) -> tuple[Any, ...]:
    file.seek(offset)
    data = file.read(record.size)
    if len(data) != record.size:
        raise Corrupt("it is cut off")
    return record.unpack(data)
