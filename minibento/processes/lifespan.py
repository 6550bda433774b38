"""How long a worker serves before a fresh one takes its place: pure; knows no process."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["LIMITS", "Lifespan", "Limit", "Over"]

Limit = Literal["requests", "memory"]
LIMITS: tuple[Limit, ...] = ("requests", "memory")
# Workers that started together are spread over this share of their lives, so that they do not end
# together.
_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Over:
    """A life that is over.

    Attributes:
        limit: That it has reached.
        words: It in words.
    """

    limit: Limit
    words: str


@dataclass(frozen=True, slots=True)
class Lifespan:
    """What a worker may serve and hold.

    Attributes:
        max_requests: Requests or items that it answers; None: any number.
        max_memory: Bytes that it shares with no other process; None: any number.
    """

    max_requests: int | None = None
    max_memory: int | None = None

    def of(self, number: int, count: int) -> "Lifespan":
        """That of worker `number` of `count`: the first has all of it, each other one less."""
        share = 1 - _SPREAD * number / count
        return Lifespan(_part(self.max_requests, share), _part(self.max_memory, share))

    def over(self, served: int, private: int) -> Over | None:
        """Whether it is over, and why.

        Args:
            served: Requests or items that the worker has answered.
            private: Bytes that it shares with no other process; 0 where nobody has looked.
        """
        if self.max_requests is not None and served >= self.max_requests:
            return Over("requests", f"it has answered {served} of {self.max_requests} requests")
        if self.max_memory is not None and private >= self.max_memory:
            return Over("memory", f"it has {_mib(private)} of {_mib(self.max_memory)} of memory")
        return None


def _part(limit: int | None, share: float) -> int | None:
    return None if limit is None else max(1, int(limit * share))


def _mib(count: int) -> str:
    return f"{count / 2**20:.0f} MiB"
