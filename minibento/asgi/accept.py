"""Which of the media types that an answer can have a request asks for; knows the Accept header."""

import re
from collections.abc import Iterable

__all__ = ["preferred"]

_QUALITY = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|\Z)", re.IGNORECASE)


def preferred(accept: bytes, usual: str, others: Iterable[str]) -> str:
    """The media type of the answer.

    Another than the usual one only where it is named itself, by a client that would not rather
    have the usual one: `*/*` means that. What cannot be read is not there.
    """
    wanted = {}
    for part in accept.decode("latin-1").lower().split(","):
        name, semicolon, parameters = part.partition(";")
        quality = _QUALITY.search(semicolon + parameters)
        wanted[name.strip()] = 1.0 if quality is None else float(quality[1])
    family = usual.partition("/")[0] + "/*"
    least = next((wanted[name] for name in (usual, family, "*/*") if name in wanted), 0.0)
    named = [(wanted[name], name) for name in others if wanted.get(name, 0.0) > 0.0]
    quality_of_best, best = max(named, default=(0.0, usual))
    return best if quality_of_best >= least else usual
