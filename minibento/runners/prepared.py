"""One method of a loaded model made ready: how its items are read, the queue that they wait in."""

from collections.abc import Callable
from typing import Any

from minibento.batching.policy import Adaptive, Greedy, Policy
from minibento.batching.queue import Entry, Outcome, Queue
from minibento.batching.rows import rows
from minibento.errors import ItemError
from minibento.runners.arguments import Arguments
from minibento.runners.jobs import batch_job, single_job, stream_job
from minibento.runners.method import MethodSpec
from minibento.runners.options import Options
from minibento.wire.rebuild import rebuilder

__all__ = ["Prepared"]


class Prepared:
    """A method as its worker serves it.

    Args:
        spec: As declared.
        function: The bound method of the loaded object.
        where: Its name for errors: `model.predict`.
        options: The runner's.
        here: It may be called on the loop's thread, where it is known to be short.
    """

    def __init__(
        self,
        spec: MethodSpec,
        function: Callable[..., Any],
        where: str,
        options: Options,
        *,
        here: bool = False,
    ) -> None:
        self.spec = spec
        self.where = where
        self.rows = rows(spec.rows, spec.name) if spec.batchable else None
        self._rebuild = rebuilder(spec.item_hint)
        policy: Policy = Greedy(1)
        if self.rows is not None:
            job = batch_job(spec, function, self.rows, where)
            policy = Adaptive(options.max_batch_size, options.max_latency_ms / 1000)
        else:
            bound = Arguments(function, spec.hints)
            job = stream_job(bound, where) if spec.streams else single_job(bound)
        self.queue = Queue(
            where,
            job,
            policy,
            options.max_queue,
            here=here,
            longest=options.longest_seconds,
        )

    def checked(self, item: Any) -> Any:
        """A decoded item in the form in which it joins a batch. Raises ItemError."""
        if self.rows is None:
            return item
        if self._rebuild is not None:
            try:
                item = self._rebuild(item)
            except ItemError as error:
                raise error.within(self.where, error.field) from None
        return self.rows.check(item)

    def entry(
        self,
        item: Any,
        deadline: float | None,
        done: Callable[[Outcome], None],
        origin: Any = None,
        apart: object = None,
    ) -> Entry:
        """A checked item as an entry of the queue.

        Args:
            item: What `checked` gave.
            deadline: When it is due.
            done: Called with what becomes of it.
            origin: What its sender wants to know it by.
            apart: It shares batches only with entries that were given this very object.
        """
        key = None if self.rows is None else self.rows.key(item)
        if apart is not None:
            key = (apart, key)
        return Entry(item, key, deadline, done, origin)
