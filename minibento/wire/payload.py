"""One value on its way, as bytes; knows not what the bytes mean, and loads no array library."""

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Payload"]


class Payload(NamedTuple):
    """One value ready to cross: `body` is msgpack, `buffers` are the raw bytes of large arrays.

    The buffers are views of the sender's own arrays: a channel copies them before it returns.
    """

    body: bytes
    buffers: Sequence[memoryview | bytearray]
