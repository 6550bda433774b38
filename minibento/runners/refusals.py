"""Items that ended worker processes: recognised by digest, for a while."""

import time
from collections.abc import Callable
from hashlib import blake2b

from minibento.errors import PoisonousItem
from minibento.wire.messages import Call

__all__ = ["REMEMBERED_SECONDS", "Refusals", "Remembered", "digest"]

# So long the same item is treated as what it did; then it may have been mended, or the model.
REMEMBERED_SECONDS = 60.0


class Remembered:
    """Digests of items.

    Its truth value says whether there are any: while there are none, no digest is computed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def add(self, digest: str) -> None:
        """Remember this digest from now on."""
        self._until[digest] = self._clock() + REMEMBERED_SECONDS

    def left(self, call: Call) -> float | None:
        """Seconds for which this call's digest is still remembered; None: it is not."""
        now = self._clock()
        for old in [digest for digest, until in self._until.items() if until <= now]:
            del self._until[old]
        until = self._until.get(digest(call)) if self._until else None
        return None if until is None else until - now

    def forget(self, call: Call) -> None:
        """This call's digest is nothing to be remembered."""
        if self._until:
            self._until.pop(digest(call), None)


class Refusals(Remembered):
    """What ended two worker processes and is refused, by this process's finding or another's."""

    def check(self, call: Call, where: str) -> None:
        """Raise PoisonousItem if the call is refused."""
        left = self.left(call)
        if left is not None:
            raise PoisonousItem(
                f"{where}: this item has ended the model's worker process twice; it is refused "
                f"without being tried for another {left:.0f} s: leave it out"
            )


def digest(call: Call) -> str:
    """What tells one item from another: the method and every byte of what it is given."""
    hashed = blake2b(call.method.encode(), digest_size=16)
    for part in (call.payload.body, *call.payload.buffers):
        # With its length, so that bytes cannot pass from one part to the next unnoticed.
        hashed.update(b"\0%d\0" % len(part))
        hashed.update(part)
    return hashed.hexdigest()
