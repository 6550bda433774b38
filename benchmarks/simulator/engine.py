"""One worker, its queue and its policy on a fake clock; knows neither traces nor figures.

What real loops do is kept: a timer fires on a whole millisecond after it was set (`epoll_wait`
takes no less), a wait that is already over costs one loop turn, arrivals wake the driver at once.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from minibento.batching.policy import Policy, Wait

__all__ = ["LOOP_TURN", "MILLISECOND", "Answered", "Server", "closed_loop", "fire_at", "open_loop"]

LOOP_TURN = 0.00005
MILLISECOND = 0.001


def fire_at(now: float, until: float) -> float:
    """When a timer set at `now` for `until` really fires."""
    if until <= now:
        return now + LOOP_TURN
    if until == math.inf:
        return until
    return now + max(1, math.ceil((until - now) / MILLISECOND - 1e-9)) * MILLISECOND


@dataclass(frozen=True, slots=True)
class Answered:
    """One item's life: it arrived, its batch started, it was answered (never: `math.inf`)."""

    arrival: float
    start: float
    end: float


class Queue:
    """Arrival times, first in first out, as a policy sees a queue."""

    def __init__(self, patience: float) -> None:
        self.times: deque[float] = deque()
        self.patience = patience

    def __len__(self) -> int:
        return len(self.times)

    @property
    def oldest(self) -> float:
        return self.times[0]

    @property
    def due(self) -> float:
        return self.times[0] + self.patience


class Server:
    """The driver of a policy, as plain events: what it is told and what it then does.

    `seconds(n)` is what a batch of n really costs. `patience` is each item's deadline counted from
    its arrival: hopeless items are shed when a batch forms, as the real driver does.
    """

    def __init__(
        self, policy: Policy, seconds: Callable[[int], float], patience: float = math.inf
    ) -> None:
        self.policy = policy
        self.seconds = seconds
        self.queue = Queue(patience)
        self.batch: list[float] = []
        self.started = 0.0
        self.done = math.inf  # When the batch is, when the timer fires.
        self.timer = math.inf
        self.shed: list[float] = []

    def arrive(self, now: float) -> None:
        """One item arrives."""
        self.queue.times.append(now)
        self.policy.arrived(now)
        if not self.batch:
            self.turn(now)

    def finish(self, now: float) -> list[float]:
        """The batch that computes is done; its items' arrival times."""
        finished, self.batch, self.done = self.batch, [], math.inf
        self.policy.finished(now, len(finished), now - self.started)
        self.turn(now)
        return finished

    def turn(self, now: float) -> None:
        """One turn of the driver's loop with an idle worker."""
        self.timer = math.inf
        while self.queue.times and not self.batch:
            decision = self.policy.decide(now, self.queue)
            if isinstance(decision, Wait):
                self.timer = fire_at(now, decision.until)
                return
            self._form(now, decision.count)

    def _form(self, now: float, count: int) -> None:
        times = self.queue.times
        while times and len(self.batch) < count:
            arrival = times.popleft()
            if self.policy.hopeless(now, arrival + self.queue.patience, count):
                self.shed.append(arrival)
            else:
                self.batch.append(arrival)
        if self.batch:
            self.started = now
            self.done = now + self.seconds(len(self.batch))


def open_loop(server: Server, arrivals: Sequence[float]) -> list[Answered]:
    """Every item of a trace, those shed at the end."""
    answered = []
    coming = iter(arrivals)
    upcoming = next(coming, math.inf)
    while True:
        now = min(upcoming, server.done, server.timer)
        if now == math.inf:
            break
        if now == server.done:
            start = server.started
            answered += [Answered(arrival, start, now) for arrival in server.finish(now)]
        elif now == upcoming:
            server.arrive(now)
            upcoming = next(coming, math.inf)
        else:
            server.turn(now)
    return answered + [Answered(arrival, math.inf, math.inf) for arrival in server.shed]


def closed_loop(
    server: Server, clients: int, think: Callable[[random.Random], float], items: int, seed: int
) -> list[Answered]:
    """`items` answers to `clients` who each send again `think` after they were answered."""
    chance = random.Random(seed)
    coming: list[float] = []
    for _ in range(clients):
        heappush(coming, think(chance))
    answered: list[Answered] = []
    while len(answered) < items:
        upcoming = coming[0] if coming else math.inf
        now = min(upcoming, server.done, server.timer)
        if now == server.done:
            start = server.started
            batch = server.finish(now)
            answered += [Answered(arrival, start, now) for arrival in batch]
            for _ in batch:
                heappush(coming, now + think(chance))
        elif now == upcoming:
            server.arrive(heappop(coming))
        else:
            server.turn(now)
    return answered
