"""What the supervisor itself counts: workers there are, and how often one was replaced."""

from collections import Counter
from collections.abc import Iterable

from minibento.metrics import Metrics
from minibento.processes.supervisor.generation import Generation

__all__ = ["Numbers"]


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
        self._before: Counter[tuple[str, str]] = Counter()

    def remember(self, left: Generation) -> None:
        """A generation leaves; its counts stay."""
        self._before += _restarts(left)

    def update(self, generations: Iterable[Generation]) -> None:
        """Set every number to what it is now."""
        ready: Counter[tuple[str, str]] = Counter()
        restarts = Counter(self._before)
        for generation in generations:
            restarts.update(_restarts(generation))
            for group in generation.groups:
                ready[group.role, group.name] += sum(one.is_ready for one in group.processes)
        for labels, number in ready.items():
            self._workers.value(*labels).set(number)
            self._restarts.value(*labels).set(restarts[labels])


def _restarts(generation: Generation) -> Counter[tuple[str, str]]:
    return Counter(
        {
            (group.role, group.name): sum(slot.restarts for slot in group.slots)
            for group in generation.groups
        }
    )
