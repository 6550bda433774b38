"""The msgpack extension codes of values that msgpack itself does not know."""

from enum import IntEnum

__all__ = ["Ext"]


class Ext(IntEnum):
    """Code of an extension record; part of the wire format and of stored examples."""

    DATETIME = 1
    BIG_INT = 2
    ARRAY = 3
    SCALAR = 4
    SPARSE = 5
    FRAME = 6
    SERIES = 7
    IMAGE = 8
