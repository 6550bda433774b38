"""The msgpack extension codes of values that msgpack itself does not know."""

__all__ = ["Ext"]


class Ext:
    """Codes of extension records; part of the wire format and of stored examples.

    Plain integers: msgspec takes no IntEnum.
    """

    DATETIME = 1
    BIG_INT = 2
    ARRAY = 3
    SCALAR = 4
    SPARSE = 5
    FRAME = 6
    SERIES = 7
    IMAGE = 8
