"""What the supervisor itself counts: workers there are, and how often one was replaced."""

from collections import Counter
from collections.abc import Iterable, Iterator

from minibento.metrics import Metrics
from minibento.processes.lifespan import LIMITS
from minibento.processes.supervisor.generation import Generation

__all__ = ["Numbers"]

# Role, runner, and the limit that the workers had reached; "": they had died.
_Place = tuple[str, str, str]


class Numbers:
    """Read off the generations when somebody asks, so that nothing has to be counted twice."""

    def __init__(self, metrics: Metrics) -> None:
        labels = ("role", "runner")
        self._workers = metrics.gauge(
            "minibento_workers", "Worker processes that are ready.", labels
        )
        self._restarts = metrics.counter(
            "minibento_worker_restarts_total", "Workers that took a dead one's place.", labels
        )
        self._recycled = metrics.counter(
            "minibento_workers_recycled_total",
            "Workers that a fresh one followed as they had reached a limit.",
            (*labels, "limit"),
        )
        self._before: Counter[_Place] = Counter()

    def remember(self, left: Generation) -> None:
        """A generation leaves; its counts stay."""
        self._before.update(dict(_replaced(left)))

    def update(self, generations: Iterable[Generation]) -> None:
        """Set every number to what it is now."""
        ready: Counter[tuple[str, str]] = Counter()
        replaced = Counter(self._before)
        for generation in generations:
            replaced.update(dict(_replaced(generation)))
            for group in generation.groups:
                ready[group.role, group.name] += sum(one.is_ready for one in group.processes)
        for labels, number in ready.items():
            self._workers.value(*labels).set(number)
            self._restarts.value(*labels).set(replaced[*labels, ""])
            for limit in LIMITS:
                self._recycled.value(*labels, limit).set(replaced[*labels, limit])


def _replaced(generation: Generation) -> Iterator[tuple[_Place, int]]:
    for group in generation.groups:
        yield (group.role, group.name, ""), sum(slot.restarts for slot in group.slots)
        for limit in LIMITS:
            count = sum(slot.recycled[limit] for slot in group.slots)
            yield (group.role, group.name, limit), count
