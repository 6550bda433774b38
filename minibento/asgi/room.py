"""How much of large bodies a process may hold at once; knows no requests and no limit of one body.

Each caller may send as much as one body may have. Many who do so at once, or who send slowly and
for ever, would take all of the machine's memory without a single request that is too large.
"""

from minibento.asgi.refusals import Stop

__all__ = ["MAX_ROOM", "Room"]

MAX_ROOM = 2**30
_RETRY_SECONDS = "1"


class Room:
    """Counts the bytes of bodies that came in several parts until their requests are answered.

    Args:
        most: Bytes of all together. A single one is never refused, however large.
    """

    __slots__ = ("_held", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._held = 0

    def take(self, size: int, own: int) -> None:
        """So many bytes more of a request that has `own` of them already.

        Raises:
            Stop: 503, those of others leave no room. What was taken before stays to be given back.
        """
        if self._held + size > self._most and self._held > own:
            raise Stop(
                503,
                f"the bodies of other requests have {self._held - own:,} bytes of the "
                f"{self._most:,} that are held at once: call again in a moment",
                # What is left of the body is not read, so nothing can follow it.
                headers={"connection": "close", "retry-after": _RETRY_SECONDS},
            )
        self._held += size

    def give(self, size: int) -> None:
        """A request is answered."""
        self._held -= size
