"""The most items that any batcher could answer in time, knowing all arrivals and costs.

One worker, batches of contiguous items in the order of arrival, each started once its last item
has arrived and the worker is free, lasting `seconds(n)`. An item counts if it is answered within
the objective after its arrival. Items may be skipped (they are never computed and count as not
answered). Skipping inside a batch gains nothing, as the skipped item is due before, and arrived
before, any that would take its place; nor does an item that would be answered late.
"""

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["most_in_time"]


def most_in_time(
    arrivals: Sequence[float],
    seconds: Callable[[int], float],
    objective: float,
    max_batch_size: int,
    at_least: int = 0,
) -> int:
    """How many of `arrivals` the best schedule answers within `objective` seconds.

    `at_least` is what some schedule is known to reach: it only saves time. `free[i, s]` is the
    earliest time at which the worker can be free with the first i items dealt with and s skipped.
    """
    count = len(arrivals)
    skips = count - at_least
    arrived = np.asarray(arrivals, dtype=np.float64)
    lasts = np.array([seconds(size) for size in range(1, max_batch_size + 1)])
    lasts = lasts[lasts <= objective]
    free = np.full((count + 1, skips + 1), np.inf)
    free[0, 0] = 0.0
    for item in range(count):
        sizes = min(len(lasts), count - item)
        ready = arrived[item : item + sizes, None]
        end = np.maximum(free[item][None, :], ready) + lasts[:sizes, None]
        end[end > arrived[item] + objective + 1e-12] = np.inf
        after = free[item + 1 : item + 1 + sizes]
        np.minimum(after, end, out=after)
        np.minimum(free[item + 1, 1:], free[item, :-1], out=free[item + 1, 1:])
    return count - int(np.argmax(np.isfinite(free[count])))
