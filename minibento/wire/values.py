"""What may cross to a runner and back, as msgpack with raw array buffers beside; knows no sockets.

The table of API types: None, bool, int, float, str, bytes, list, dict with string keys, datetime,
numpy arrays and scalars, scipy CSR matrices, pandas frames and series, PIL images, CPU tensors (as
arrays). Pydantic objects, dataclasses, enums and tuples leave as dicts, values and lists; a
method's hints rebuild them on the other side (`wire.rebuild`). Everything else is refused by
name. Nothing that is decoded can execute code.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec

from minibento.errors import CannotCross, ItemError
from minibento.wire.payload import Payload
from minibento.wire.value_reader import read
from minibento.wire.value_writer import PLAIN, Writer

__all__ = ["Payload", "decode", "decode_bytes", "encode", "encode_bytes"]

# Below this many bytes an array travels inside the message: a buffer of its own costs more.
INLINE_BYTES = 4096

_ENCODER = msgspec.msgpack.Encoder()


def encode(value: object, where: str = "", inline: float = INLINE_BYTES) -> Payload:
    """Turn a value into a payload.

    Args:
        value: Any value of the table above, at any depth.
        where: What it is given to, for the error: `Sentiment.classify`.
        inline: Arrays of fewer bytes than this stay in the body.

    Raises:
        CannotCross: a type that may not cross; the message names it and the mend.
        ItemError: a string that is not valid Unicode (a lone surrogate).
    """
    try:
        try:
            if type(value) in PLAIN:
                return Payload(_ENCODER.encode(value), ())
            writer = Writer(where, inline)
            return Payload(_ENCODER.encode(writer.plain(value)), writer.buffers)
        except OverflowError:
            writer = Writer(where, inline, big_ints=True)
            return Payload(_ENCODER.encode(writer.plain(value)), writer.buffers)
    except UnicodeEncodeError as error:
        raise ItemError(
            f"text with a lone surrogate {error.object[error.start]!a} at position "
            f"{error.start} is not valid Unicode"
        ) from None
    except RecursionError:
        raise CannotCross(f"{where or 'the value'}: nested too deeply to cross") from None


def decode(body: bytes, buffers: Sequence[memoryview | bytearray] = ()) -> Any:
    """Turn a payload back into the value; arrays are views of `buffers`."""
    return read(body, buffers)


def encode_bytes(value: object) -> bytes:
    """The value as one piece of bytes, for a file."""
    return encode(value, inline=math.inf).body


def decode_bytes(data: bytes) -> Any:
    """The value that `encode_bytes` wrote."""
    return decode(data)
