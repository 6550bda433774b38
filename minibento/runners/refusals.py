"""Items that ended a worker process twice: recognised by digest and refused for a while."""

import time
from collections.abc import Callable
from hashlib import blake2b

from minibento.errors import PoisonousItem
from minibento.wire.messages import Call

__all__ = ["REFUSED_SECONDS", "Refusals", "digest"]

# So long the same item is refused at the door; then it may have been mended, or the model.
REFUSED_SECONDS = 60.0


class Refusals:
    """The digests that are refused, by this process's finding or another's.

    Its truth value says whether there are any: while there are none, no digest is computed.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self._until)

    def add(self, digest: str) -> None:
        """Refuse what has this digest from now on."""
        self._until[digest] = self._clock() + REFUSED_SECONDS

    def check(self, call: Call, where: str) -> None:
        """Raise PoisonousItem if the call is refused."""
        now = self._clock()
        for old in [digest for digest, until in self._until.items() if until <= now]:
            del self._until[old]
        until = self._until.get(digest(call)) if self._until else None
        if until is not None:
            raise PoisonousItem(
                f"{where}: this item has ended the model's worker process twice; it is refused "
                f"without being tried for another {until - now:.0f} s: leave it out"
            )


def digest(call: Call) -> str:
    """What tells one item from another: the method and every byte of what it is given."""
    hashed = blake2b(call.method.encode(), digest_size=16)
    for part in (call.payload.body, *call.payload.buffers):
        # With its length, so that bytes cannot pass from one part to the next unnoticed.
        hashed.update(b"\0%d\0" % len(part))
        hashed.update(part)
    return hashed.hexdigest()
