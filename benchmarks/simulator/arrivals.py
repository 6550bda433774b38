"""Arrival times of open-loop traffic, seeded; knows no policy and no server."""

import random

__all__ = ["bursty", "poisson"]


def poisson(rate: float, count: int, seed: int) -> list[float]:
    """`count` arrival times, `rate` a second, independent of each other."""
    chance = random.Random(seed)
    now = 0.0
    times: list[float] = []
    for _ in range(count):
        now += chance.expovariate(rate)
        times.append(now)
    return times


def bursty(rate: float, count: int, seed: int) -> list[float]:
    """`count` arrival times, `rate` a second on average, in on and off phases.

    A Markov-modulated Poisson process: phases last 10 mean gaps of arrivals on average, as many on
    as off; nine tenths of the arrivals fall into the on phases (1.8 times the rate against 0.2).
    """
    chance = random.Random(seed)
    now, busy = 0.0, True
    times: list[float] = []
    change = chance.expovariate(rate / 10)
    while len(times) < count:
        gap = chance.expovariate(rate * (1.8 if busy else 0.2))
        if now + gap < change:
            now += gap
            times.append(now)
        else:  # Without memory: what is left of the gap is drawn anew.
            now, busy = change, not busy
            change = now + chance.expovariate(rate / 10)
    return times
