"""When requests are due: offsets in seconds from the start; knows no server and no clock."""

import random
from typing import Literal

__all__ = ["Kind", "arrivals"]

Kind = Literal["poisson", "constant"]


def arrivals(kind: Kind, rate: float, seconds: float, seed: int = 1) -> list[float]:
    """Offsets below `seconds` at `rate` per second: independent (poisson) or evenly spaced."""
    if rate <= 0 or seconds <= 0:
        raise ValueError(f"rate and seconds must be above 0, got {rate} and {seconds}")
    if kind == "constant":
        return [index / rate for index in range(int(rate * seconds))]
    draw = random.Random(seed)
    moments: list[float] = []
    moment = draw.expovariate(rate)
    while moment < seconds:
        moments.append(moment)
        moment += draw.expovariate(rate)
    return moments
