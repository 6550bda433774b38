"""The options of a runner, checked where they are written."""

import math
from dataclasses import dataclass, fields
from typing import Any

from minibento.errors import DeclarationError
from minibento.wording import did_you_mean

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How a runner runs.

    Attributes:
        workers: Worker processes; embedded in one process there is one.
        threads: Threads that a worker computes with; None: what the library takes.
        max_batch_size: Items in a batch at most.
        max_latency_ms: Objective for queue plus compute, in milliseconds; never fails a request.
        preload: Whether to load once and fork; None: where it is known to work.
        max_queue: Items that may wait in a worker; further ones are refused with 503.
        admission: Whether a call is refused with 503 at once where its answer is predicted to come
            after its deadline.
        max_wait_ms: Also where it is predicted to take longer than this, in milliseconds; None:
            only the deadline counts.
    """

    workers: int = 1
    threads: int | None = None
    max_batch_size: int = 128
    max_latency_ms: float = 100
    preload: bool | None = None
    max_queue: int = 4096
    admission: bool = True
    max_wait_ms: float | None = None

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "max_batch_size", "max_queue"):
            value = getattr(self, name)
            if name == "threads" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise DeclarationError(f"{name} is a whole number of at least 1, got {value!r}")
        for name in ("max_latency_ms", "max_wait_ms"):
            value = getattr(self, name)
            if name == "max_wait_ms" and value is None:
                continue
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value < math.inf:
                raise DeclarationError(f"{name} is a number above 0, got {value!r}")
        if not (self.preload is None or isinstance(self.preload, bool)):
            raise DeclarationError(f"preload is True, False or None, got {self.preload!r}")
        if not isinstance(self.admission, bool):
            raise DeclarationError(f"admission is True or False, got {self.admission!r}")
        if self.max_wait_ms is not None and not self.admission:
            raise DeclarationError(
                f"max_wait_ms={self.max_wait_ms:g} refuses calls by prediction and admission=False "
                "refuses none: leave one of them out"
            )

    @property
    def longest_seconds(self) -> float | None:
        """Seconds that an answer may be predicted to take; None: nothing is predicted."""
        if not self.admission:
            return None
        return math.inf if self.max_wait_ms is None else self.max_wait_ms / 1000

    @classmethod
    def read(cls, given: dict[str, Any]) -> "Options":
        """The options from keywords.

        Raises:
            DeclarationError: an unknown option or a wrong value.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                mend = did_you_mean(name, known, f"its options are {', '.join(known)}")
                raise DeclarationError(f"a runner has no option {name!r}: {mend}")
        return cls(**given)
