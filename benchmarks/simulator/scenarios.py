"""What the policies are put through, and the score of each trace; knows no table and no threshold."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.simulator.arrivals import bursty, poisson
from benchmarks.simulator.engine import Answered, Server, closed_loop, open_loop
from benchmarks.simulator.oracle import most_in_time
from minibento.batching.policy import Greedy, Policy, Send, Wait, Waiting

__all__ = ["MODELS", "Closed", "Model", "Open", "WaitForAll", "think_of"]

MAX_BATCH_SIZE = 128
ITEMS = 500  # Arrivals in an open-loop trace: what the oracle can plan in a moment.
TRACES: dict[str, Callable[[float, int, int], list[float]]] = {"poisson": poisson, "bursty": bursty}


@dataclass(frozen=True, slots=True)
class Model:
    """What a batch costs, a + b*n seconds, and the objective its owner set."""

    name: str
    fixed: float
    each: float
    objective: float

    def seconds(self, count: int) -> float:
        """How long a batch of `count` computes."""
        return self.fixed + self.each * count

    @property
    def capacity(self) -> float:
        """Items a second, in batches two of which fit into the objective.

        Faster than that no steady stream is answered in time: an item that just misses a batch
        waits for all of it and is then in the next.
        """
        best = max(n for n in range(1, MAX_BATCH_SIZE + 1) if 2 * self.seconds(n) <= self.objective)
        return best / self.seconds(best)

    @property
    def warm_up(self) -> list[tuple[int, float]]:
        """What a start measures on copies of the example, doubled up to half the objective."""
        sizes = [1]
        while sizes[-1] < MAX_BATCH_SIZE and 2 * self.seconds(sizes[-1]) <= self.objective:
            sizes.append(min(2 * sizes[-1], MAX_BATCH_SIZE))
        return [(count, self.seconds(count)) for count in sizes]


MODELS = (
    Model("forest", 0.017, 0.00005, 0.100),
    Model("forest tight", 0.017, 0.00005, 0.040),
    Model("light", 0.0004, 0.000026, 0.005),
    Model("sleeping", 0.005, 0.005, 0.100),
    Model("sleeping tight", 0.005, 0.005, 0.040),
)

MakePolicy = Callable[[int, float], Policy]


def goodput(answered: Sequence[Answered], objective: float) -> int:
    """How many were answered within the objective."""
    return sum(item.end - item.arrival <= objective + 1e-12 for item in answered)


@dataclass(frozen=True, slots=True)
class Score:
    """One open-loop trace: items in time by each, and what waiting the policy added."""

    policy: int
    greedy: int
    alone: int
    oracle: int
    idle_wait: float  # Mean seconds that items stood in the queue before an idle worker.
    mean_latency: float
    greedy_latency: float


@dataclass(frozen=True, slots=True)
class Open:
    """Traffic that does not wait for answers, at a share of the model's capacity.

    Each item's deadline is the objective: with a later one a first-in-first-out server that is
    offered more than it can do answers all of them late, whatever its batches, and there would be
    nothing to compare.
    """

    model: Model
    traffic: str
    load: float

    def run(self, make: MakePolicy, seed: int) -> Score:
        """One trace through the policy, greedy, no batching and the oracle."""
        model = self.model
        arrivals = TRACES[self.traffic](self.load * model.capacity, ITEMS, seed)
        policy = make(MAX_BATCH_SIZE, model.objective)
        policy.prior(model.warm_up)
        ours = self._serve(policy, arrivals)
        greedy = self._serve(Greedy(MAX_BATCH_SIZE), arrivals)
        alone = self._serve(Greedy(1), arrivals)
        in_time = [goodput(lives, model.objective) for lives in (ours, greedy, alone)]
        oracle = most_in_time(
            arrivals, model.seconds, model.objective, MAX_BATCH_SIZE, at_least=max(in_time)
        )
        return Score(*in_time, oracle, _idle_wait(ours), _latency(ours), _latency(greedy))

    def _serve(self, policy: Policy, arrivals: Sequence[float]) -> list[Answered]:
        server = Server(policy, self.model.seconds, patience=self.model.objective)
        return open_loop(server, arrivals)


def _latency(lives: Sequence[Answered]) -> float:
    ends = [life.end - life.arrival for life in lives if life.end < float("inf")]
    return fmean(ends) if ends else 0.0


def _idle_wait(lives: Sequence[Answered]) -> float:
    """Mean wait that was not for a batch under way: the policy's own doing."""
    batches = sorted({(life.start, life.end) for life in lives if life.end < float("inf")})
    free_at = {}
    before = 0.0
    for start, end in batches:
        free_at[start] = before
        before = end
    waits = [
        life.start - max(life.arrival, free_at[life.start])
        for life in lives
        if life.start in free_at
    ]
    return fmean(waits) if waits else 0.0


class WaitForAll(Greedy):
    """Knows how many clients there are and starts when all of them wait."""

    def __init__(self, max_batch_size: int, clients: int) -> None:
        super().__init__(max_batch_size)
        self._target = min(clients, max_batch_size)

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        if len(waiting) < self._target:
            return Wait(float("inf"))
        return super().decide(now, waiting)


def think_of(least: float, most: float) -> Callable[[random.Random], float]:
    """A client's time between an answer and its next call, evenly spread."""
    return lambda chance: chance.uniform(least, most)


@dataclass(frozen=True, slots=True)
class Closed:
    """Clients that send again `think` seconds after each answer, plus 0.1 to 0.5 ms on the way."""

    model: Model
    clients: int
    think: float

    def run(self, make: MakePolicy, seed: int) -> tuple[float, float, float]:
        """Items a second of the policy, of greedy and of waiting for all."""
        policy = make(MAX_BATCH_SIZE, self.model.objective)
        policy.prior(self.model.warm_up)
        return (
            self._throughput(policy, seed),
            self._throughput(Greedy(MAX_BATCH_SIZE), seed),
            self._throughput(WaitForAll(MAX_BATCH_SIZE, self.clients), seed),
        )

    def _throughput(self, policy: Policy, seed: int) -> float:
        items = 100 * self.clients
        think = think_of(self.think + 0.0001, self.think + 0.0005)
        lives = closed_loop(Server(policy, self.model.seconds), self.clients, think, items, seed)
        warm = lives[len(lives) // 5]
        settled = lives[len(lives) // 5 :]
        return len(settled) / (settled[-1].end - warm.end)
