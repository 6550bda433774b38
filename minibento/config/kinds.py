"""What the values of keys may be, each read from text as somebody wrote it; knows no key.

Text is all there is: a variable, `--set` and a scalar of a YAML file are read by the same rule, so
that a value means the same wherever it stands.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Kind",
    "addresses",
    "choice",
    "flag",
    "name",
    "number",
    "path",
    "size",
    "text",
    "url_prefix",
    "whole",
]

_FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) *([A-Za-z]*)\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_PREFIX = re.compile(r"(/[^/?#\s]+)*\Z")


@dataclass(frozen=True, slots=True)
class Kind:
    """What a key takes.

    Attributes:
        accepts: It in words, as the end of "must be ...".
        read: The value a text stands for; ValueError: for none.
        is_path: A relative one is meant from the folder of the file it stands in.
    """

    accepts: str
    read: Callable[[str], Any]
    is_path: bool = False


def text(accepts: str = "text", *, may_be_empty: bool = False) -> Kind:
    """Any text."""

    def read(given: str) -> str:
        if not given and not may_be_empty:
            raise ValueError
        return given

    return Kind(accepts, read)


def path(accepts: str) -> Kind:
    """A file that exists, which is looked at when all is read."""
    return Kind(accepts, text().read, is_path=True)


def name() -> Kind:
    """What a server is called on the command line."""
    return _matching(_NAME, "1 to 63 of A-Z a-z 0-9 . _ - beginning with a letter or digit")


def url_prefix() -> Kind:
    """The part of the path that a proxy takes away; empty: none."""
    return _matching(_PREFIX, "a path such as /credit, without an end slash")


def whole(least: int, most: int | None = None) -> Kind:
    """A whole number between two others, themselves included."""
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"

    def read(given: str) -> int:
        value = int(given)
        if value < least or (most is not None and value > most):
            raise ValueError
        return value

    return Kind(f"a whole number {bounds}", read)


def number(unit: str, *, or_zero: bool = False) -> Kind:
    """A number above 0 (or 0 too), of this unit."""
    bounds = "of at least 0" if or_zero else "above 0"

    def read(given: str) -> float:
        value = float(given)
        if not 0 <= value <= 1e9 or (value == 0 and not or_zero) or math.isnan(value):
            raise ValueError
        return value

    return Kind(f"a number of {unit} {bounds}, such as 2.5", read)


def size() -> Kind:
    """Bytes, plain or with a unit."""

    def read(given: str) -> int:
        found = _SIZE.match(given.strip())
        if found is None or found[2].lower() not in _UNITS:
            raise ValueError
        count = int(float(found[1]) * _UNITS[found[2].lower()])
        if count < 1:
            raise ValueError
        return count

    return Kind("a number of bytes above 0, such as 65536, 64KiB or 64MiB", read)


def flag() -> Kind:
    """Yes or no."""

    def read(given: str) -> bool:
        if given.lower() not in _FLAGS:
            raise ValueError
        return _FLAGS[given.lower()]

    return Kind("true or false", read)


def choice(*names: str) -> Kind:
    """One of these words."""

    def read(given: str) -> str:
        if given.lower() not in names:
            raise ValueError
        return given.lower()

    return Kind(f"{', '.join(names[:-1])} or {names[-1]}", read)


def addresses() -> Kind:
    """Addresses and networks separated by commas, `*` for all; empty: none."""

    def read(given: str) -> str:
        from ipaddress import ip_network  # 5 ms that most servers do not need

        parts = [part.strip() for part in given.split(",") if part.strip()]
        for part in parts:
            if part != "*":
                ip_network(part, strict=False)
        return ",".join(parts)

    return Kind("addresses or networks such as 127.0.0.1,10.0.0.0/8, or * for all", read)


def _matching(pattern: re.Pattern[str], accepts: str) -> Kind:
    def read(given: str) -> str:
        if pattern.match(given) is None:
            raise ValueError
        return given

    return Kind(accepts, read)
