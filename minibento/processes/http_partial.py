"""A request that has come in part: whether it is too much already; knows no time.

The parser keeps the half of a header to itself, and passes nothing on of what is around chunks:
what came after the first read is counted as it came.
"""

from collections.abc import Sequence

from minibento.config.settings import Limits
from minibento.processes.http_refusals import Refusal
from minibento.processes.http_rules import Header, checked_size

__all__ = ["Partial"]

# Bytes around the chunks of a body for each byte in them; one byte a chunk makes five.
_CHUNK_OVERHEAD = 8


class Partial:
    """Looked at after each read that leaves a request unfinished."""

    __slots__ = ("_first_bytes", "_limits", "_part")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._part: object = None
        self._first_bytes = 0

    def headers(self, url: bytes, headers: Sequence[Header], seen_bytes: int) -> bool:
        """Its headers are not complete; whether this is the first look at them.

        Args:
            url: As far as it has come.
            headers: The complete ones; the same object at each look.
            seen_bytes: Of it and the requests before it, since the last look that found none.

        Raises:
            Refusal: they are too large.
        """
        first = self._is_first(headers, seen_bytes)
        later = seen_bytes - self._first_bytes
        most = self._limits.headers_bytes
        if first or later > most:
            checked_size(url, headers, most)
        if later > most:
            raise Refusal(431, f"the headers have more than {most:,} bytes")
        return first

    def body(self, request: object, seen_bytes: int, body_bytes: int) -> bool:
        """Its body is not complete; whether this is the first look at it.

        Args:
            request: The same object at each look.
            seen_bytes: As above.
            body_bytes: Of the body itself.

        Raises:
            Refusal: there is too much around it.
        """
        first = self._is_first(request, seen_bytes)
        later = seen_bytes - self._first_bytes
        if later > self._limits.headers_bytes + _CHUNK_OVERHEAD * body_bytes:
            raise Refusal(400, "there is more around the chunks of the body than in them")
        return first

    def _is_first(self, part: object, seen_bytes: int) -> bool:
        if part is self._part:
            return False
        self._part, self._first_bytes = part, seen_bytes
        return True
