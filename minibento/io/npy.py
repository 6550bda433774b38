"""Arrays as .npy files, numpy's own format; knows no hints.

Nothing of a file is believed: its header is read by numpy's parser of literals within a length
limit, and its size must be that of the body before an array is made. Pickles are never read.
"""

import math
import struct
from functools import lru_cache
from io import BytesIO
from typing import Any

import numpy as np

from minibento.io.base import BadAnswer, Flaw, Refused
from minibento.wording import shown

__all__ = ["NPY", "decode", "encode"]

NPY = "application/x-npy"
Array = np.ndarray[Any, Any]

_MAGIC = b"\x93NUMPY"
# By version: how the header's length is written, and what reads the header.
_READERS = {
    (1, 0): ("<H", np.lib.format.read_array_header_1_0),
    (2, 0): ("<I", np.lib.format.read_array_header_2_0),
    # Version 3 is version 2 with UTF-8 for the names of fields, and arrays with fields are refused.
    (3, 0): ("<I", np.lib.format.read_array_header_2_0),
}
_START = len(_MAGIC) + 2
_LONGEST_HEADER = 10_000  # characters: numpy's own limit
_MOST_DIMENSIONS = 32  # what every numpy has
_LAST_CODE_POINT = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def decode(body: bytes) -> Array:
    """The array in a file, as a read-only view of the body in the file's own byte order.

    Raises:
        Refused: 400, it is no .npy file, or not of the size that its header says; 422, it holds
            what JSON could not hold either: objects, fields, dates, complex numbers, nothing.
    """
    start, (shape, fortran, dtype) = _header(body)
    if dtype.kind not in "biufU":
        raise _unwanted("should be an array of numbers, booleans or text", f"dtype {_name(dtype)}")
    if len(shape) > _MOST_DIMENSIONS or any(length < 0 for length in shape):
        expected = f"at most {_MOST_DIMENSIONS} lengths, none below 0"
        raise Refused(400, f"a shape should be {expected}, got {shown(shape)}")
    count = math.prod(shape)  # of Python's integers: it does not overflow
    if not dtype.itemsize:
        raise _unwanted("should be text with characters", f"dtype {dtype}")
    if not shape or not count:
        raise _unwanted("should be an array that is not empty", f"shape {shown(shape)}")
    said, came = count * dtype.itemsize, len(body) - start
    if said != came:
        raise Refused(
            400,
            f"an array of shape {shown(shape)} and dtype {dtype} has {shown(said)} bytes, "
            f"got {came} after the header",
        )
    array = np.frombuffer(body, dtype, count, start)
    _check_values(array)
    return array.reshape(shape, order="F" if fortran else "C")


def encode(array: Array) -> bytes:
    """The file of an array, row after row, in the array's own dtype.

    Raises:
        BadAnswer: it holds Python objects or fields.
    """
    if array.dtype.hasobject or array.dtype.kind not in "biufcmMSU":
        raise BadAnswer(
            f"an array of dtype {_name(array.dtype)} cannot be sent as .npy: return numbers or text"
        )
    array = array if array.flags.c_contiguous else np.array(array, order="C")
    head = BytesIO()
    np.lib.format.write_array_header_1_0(head, np.lib.format.header_data_from_array_1_0(array))
    if not array.nbytes:
        return head.getvalue()
    # As plain bytes, because dates have no buffer of their own; copied once, beside the header.
    return b"".join((head.getvalue(), array.reshape(-1).view(np.uint8).data))


def _header(body: bytes) -> tuple[int, tuple[tuple[int, ...], bool, np.dtype[Any]]]:
    """Where the data begins, and what the header says of it."""
    if len(body) < _START or not body.startswith(_MAGIC):
        raise Refused(
            400,
            f"the body is no .npy file: it should begin with {_MAGIC!r} and a "
            f"version, got {shown(body[:_START])}",
        )
    version = (body[_START - 2], body[_START - 1])
    if version not in _READERS:
        raise Refused(
            400,
            f"version {version[0]}.{version[1]} of the .npy format is not known: "
            "send 1.0, 2.0 or 3.0",
        )
    size = struct.calcsize(_READERS[version][0])
    (length,) = struct.unpack(_READERS[version][0], body[_START : _START + size].ljust(size, b"\0"))
    start = _START + size + length
    if length > _LONGEST_HEADER:
        raise Refused(
            400, f"the .npy header has {length:,} bytes: at most {_LONGEST_HEADER:,} are read"
        )
    if start > len(body):
        raise Refused(
            400,
            f"the .npy file ends in its header: it should have at least "
            f"{start} bytes, got {len(body)}",
        )
    return start, _parsed(version, body[_START:start])


@lru_cache(maxsize=64)  # clients send the same header again and again; reading it takes 20 us
def _parsed(version: tuple[int, int], header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    read = _READERS[version][1]
    try:
        shape, fortran, dtype = read(BytesIO(header), max_header_size=_LONGEST_HEADER)
    except Exception:  # noqa: BLE001  # a literal too deep or a dtype too odd raises anything
        text = header[struct.calcsize(_READERS[version][0]) :].decode("latin-1").strip()
        raise Refused(
            400,
            "the .npy header should be a dict of descr, fortran_order and shape, "
            f"got {shown(text)}",
        ) from None
    return tuple(map(int, shape)), fortran, dtype  # True may stand for 1 in a header


def _check_values(array: Array) -> None:
    """Refuse bytes that no value of the dtype has: what reads them later would not expect them."""
    if array.dtype.kind == "b":
        wrong = array.view(np.uint8) > 1
        what = "should have only bytes 0 and 1 for booleans"
    elif array.dtype.kind == "U":
        codes = array.view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        wrong = (codes > _LAST_CODE_POINT) | (
            (codes >= _SURROGATES.start) & (codes < _SURROGATES.stop)
        )
        what = "should have only Unicode code points for text, no surrogates"
    else:
        return
    if wrong.any():
        place = int(wrong.argmax()) * (array.nbytes // wrong.size)
        raise _unwanted(what, f"another at byte {place} of the data")


def _unwanted(expected: str, got: str) -> Refused:
    """The refusal of what is a .npy file, and not one of those that are taken."""
    return Refused(422, f"the body: {expected}, got {got}", (Flaw("", expected, got),))


def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype)[:80]
