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
    """

    workers: int = 1
    threads: int | None = None
    max_batch_size: int = 128
    max_latency_ms: float = 100
    preload: bool | None = None
    max_queue: int = 4096

    def __post_init__(self) -> None:
        for name in ("workers", "threads", "max_batch_size", "max_queue"):
            value = getattr(self, name)
            if name == "threads" and value is None:
                continue
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise DeclarationError(f"{name} is a whole number of at least 1, got {value!r}")
        latency = self.max_latency_ms
        number = isinstance(latency, int | float) and not isinstance(latency, bool)
        if not number or not 0 < latency < math.inf:
            raise DeclarationError(f"max_latency_ms is a number above 0, got {latency!r}")
        if not (self.preload is None or isinstance(self.preload, bool)):
            raise DeclarationError(f"preload is True, False or None, got {self.preload!r}")

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
