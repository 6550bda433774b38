"""What a runner worker counts: batches, waits, time in the model, queue length."""

from collections.abc import Sequence

from minibento.batching.queue import Entry
from minibento.metrics import BATCH_BUCKETS, Metrics

__all__ = ["Numbers"]


class Numbers:
    """The metric cells of one runner."""

    def __init__(self, metrics: Metrics, name: str, version: str) -> None:
        labels = ("runner", "version")
        cell = (name, version)
        sizes = metrics.histogram(
            "minibento_batch_size", "Items in a batch.", labels, BATCH_BUCKETS
        )
        waits = metrics.histogram("minibento_queue_seconds", "Wait for a batch to start.", labels)
        model = metrics.histogram(
            "minibento_model_seconds", "Time of a batch in the model.", labels
        )
        length = metrics.gauge("minibento_queue_length", "Items waiting for a batch.", labels)
        self._sizes = sizes.histogram(*cell)
        self._waits = waits.histogram(*cell)
        self._model = model.histogram(*cell)
        self._length = length.value(*cell)

    def waiting(self, count: int) -> None:
        """So many items wait now."""
        self._length.set(count)

    def batch(self, batch: Sequence[Entry], started: float, seconds: float) -> None:
        """A batch has finished."""
        self._sizes.observe(len(batch))
        self._model.observe(seconds)
        for entry in batch:
            self._waits.observe(started - entry.arrived)
