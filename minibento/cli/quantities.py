"""Sizes, ages and short versions as people read them; knows no terminal."""

import re
from collections.abc import Iterable
from datetime import datetime

__all__ = ["age", "duration", "short_version", "size"]

_UNITS = (
    (86400 * 365, "year"),
    (86400 * 30, "month"),
    (86400, "day"),
    (3600, "hour"),
    (60, "minute"),
)
# What the store computes from the content; anything else the user chose and knows by heart.
_CONTENT_VERSION = re.compile(r"[a-z2-7]{16}\Z")
_SHORTEST = 8


def size(count: int) -> str:
    """Bytes in decimal units: `812 B`, `1.2 MB`."""
    if count < 1000:
        return f"{count} B"
    amount = float(count)
    for unit in ("kB", "MB", "GB"):
        amount /= 1000
        if amount < 999.95:
            return f"{amount:.1f} {unit}"
    return f"{amount / 1000:.1f} TB"


def age(then: datetime, now: datetime) -> str:
    """How long ago that was: `3 minutes ago`; `just now` below a minute and for the future."""
    seconds = (now - then).total_seconds()
    for length, unit in _UNITS:
        count = int(seconds // length)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def duration(seconds: float) -> str:
    """How long that is, in its two largest units: `3 d 4 h`, `5 min 10 s`, `8 s`."""
    left, parts = max(0, int(seconds)), []
    for length, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        parts.append((count, unit))
    first = next((index for index, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2])


def short_version(version: str, others: Iterable[str]) -> str:
    """The first 8 characters of a content version, more where another one begins with them."""
    if not _CONTENT_VERSION.match(version):
        return version
    length = _SHORTEST
    rivals = [other for other in others if other != version]
    while any(other.startswith(version[:length]) for other in rivals):
        length += 1
    return version[:length]
