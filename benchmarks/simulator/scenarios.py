"""What the policies are put through, and how each trace ends; knows no table and no figure."""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.simulator.arrivals import bursty, poisson
from benchmarks.simulator.engine import Answered, Server, closed_loop, open_loop
from benchmarks.simulator.oracle import most_in_time
from minibento.batching.policy import Adaptive, Greedy, Policy, Send, Wait, Waiting

__all__ = ["MODELS", "Closed", "Model", "Open", "Quiet", "Rates", "Score", "WaitForAll"]

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


def adaptive(model: Model) -> Adaptive:
    """The policy under test, warmed up as a start does it."""
    policy = Adaptive(MAX_BATCH_SIZE, model.objective)
    policy.prior(model.warm_up)
    return policy


@dataclass(frozen=True, slots=True)
class Score:
    """One open-loop trace: items answered in time by each, mean seconds to an answer."""

    policy: int
    greedy: int
    alone: int
    oracle: int
    latency: float
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

    def run(self, seed: int) -> Score:
        """One trace through the policy, greedy, no batching and the oracle."""
        model = self.model
        arrivals = TRACES[self.traffic](self.load * model.capacity, ITEMS, seed)
        policies = (adaptive(model), Greedy(MAX_BATCH_SIZE), Greedy(1))
        lives = [
            open_loop(Server(policy, model.seconds, patience=model.objective), arrivals)
            for policy in policies
        ]
        ours, greedy, alone = (in_time(each, model.objective) for each in lives)
        oracle = most_in_time(
            arrivals, model.seconds, model.objective, MAX_BATCH_SIZE, at_least=max(ours, greedy)
        )
        return Score(ours, greedy, alone, oracle, mean_latency(lives[0]), mean_latency(lives[1]))


@dataclass(frozen=True, slots=True)
class Quiet:
    """Open-loop traffic so thin that the worker computes a tenth of the time."""

    model: Model
    traffic: str

    def run(self, seed: int) -> float:
        """Mean seconds that the policy let an item wait beside an idle worker."""
        rate = 0.1 / self.model.seconds(1)
        server = Server(adaptive(self.model), self.model.seconds)
        return idle_wait(open_loop(server, TRACES[self.traffic](rate, ITEMS, seed)))


@dataclass(frozen=True, slots=True)
class Rates:
    """One closed loop: items a second by each."""

    policy: float
    greedy: float
    all: float


@dataclass(frozen=True, slots=True)
class Closed:
    """Clients that send again `think` seconds after each answer, plus 0.1 to 0.5 ms on the way."""

    model: Model
    clients: int
    think: float

    def run(self, seed: int) -> Rates:
        """The policy, greedy, and waiting until all clients have sent."""
        policies = (
            adaptive(self.model),
            Greedy(MAX_BATCH_SIZE),
            WaitForAll(MAX_BATCH_SIZE, self.clients),
        )
        return Rates(*(self._rate(policy, seed) for policy in policies))

    def _rate(self, policy: Policy, seed: int) -> float:
        def pause(chance: random.Random) -> float:
            return self.think + chance.uniform(0.0001, 0.0005)

        server = Server(policy, self.model.seconds)
        lives = closed_loop(server, self.clients, pause, items=100 * self.clients, seed=seed)
        settled = lives[len(lives) // 5 :]
        return (len(settled) - 1) / (settled[-1].end - settled[0].end)


class WaitForAll(Greedy):
    """Knows how many clients there are and starts when all of them wait."""

    def __init__(self, max_batch_size: int, clients: int) -> None:
        super().__init__(max_batch_size)
        self._target = min(clients, max_batch_size)

    def decide(self, now: float, waiting: Waiting) -> Wait | Send:
        if len(waiting) < self._target:
            return Wait(math.inf)
        return super().decide(now, waiting)


def in_time(lives: Sequence[Answered], objective: float) -> int:
    """How many were answered within the objective, to the rounding of the oracle."""
    return sum(life.end - life.arrival <= objective + 1e-12 for life in lives)


def mean_latency(lives: Sequence[Answered]) -> float:
    """Mean seconds from arrival to answer, of those answered."""
    return fmean(life.end - life.arrival for life in lives if life.end < math.inf)


def idle_wait(lives: Sequence[Answered]) -> float:
    """Mean seconds that items waited while the worker was idle: the policy's own doing."""
    free_at: dict[float, float] = {}
    before = 0.0
    for start, end in sorted({(life.start, life.end) for life in lives}):
        free_at[start] = before
        before = end
    return fmean(life.start - max(life.arrival, free_at[life.start]) for life in lives)
