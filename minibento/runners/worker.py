"""The worker's end of a runner: loads the model, queues what arrives, computes it.

Knows channels and a loop, not whether they belong to a process of their own.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from minibento.batching.batcher import Batcher
from minibento.batching.compute import ComputeThread
from minibento.batching.overrun import Stuck
from minibento.batching.queue import Entry, Queue
from minibento.errors import ItemError, Unavailable
from minibento.metrics import Metrics
from minibento.runners.connection import Connection
from minibento.runners.numbers import Numbers
from minibento.runners.options import Options
from minibento.runners.prepared import Prepared
from minibento.runners.records import Records
from minibento.runners.source import Source, checked_runnable
from minibento.wire.channel import Channel
from minibento.wire.values import decode, encode

__all__ = ["Worker", "WorkerState"]

_LOG = logging.getLogger("minibento")
# What computes at the stop for callers that have all gone may so long end by itself.
_LAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker is at.

    Attributes:
        computing_since: When the present batch began, in monotonic seconds; None: it is idle.
        until: When that batch, if it still computes, is stuck: half a second after its last
            caller's deadline.
        outstanding: Items that wait or compute.
    """

    computing_since: float | None
    until: float | None
    outstanding: int


class Vitals(Protocol):
    """Where a worker shows those who cannot ask it that it computes."""

    def begin(self, since: float, until: float) -> None:
        """A batch computes since then, and counts as stuck after `until`; monotonic seconds."""
        ...

    def end(self) -> None:
        """Nothing computes."""
        ...


class Worker:
    """Serves the methods of one source over channels.

    Args:
        name: The runner's name, for metrics and errors.
        source: What is loaded.
        options: As given to `minibento.Runner`.
        metrics: Where batches and queues are counted.
        runnable: What the source has loaded already, before this process was forked.
        vitals: Told when a batch begins and ends.
        own_loop: Nobody else lives on this loop, so short batches may compute on it: those of a
            source that does not mind which thread it is called from.

    Attributes:
        served: Items that it has computed.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        options: Options,
        metrics: Metrics,
        *,
        runnable: Any = None,
        vitals: Vitals | None = None,
        own_loop: bool = False,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.served = 0
        self._name = name
        self._source = source
        self._options = options
        self._compute = ComputeThread(f"minibento-{name}", self.loop)
        self._runnable = runnable
        self._records = Records()
        self._vitals = vitals
        self._own_loop = own_loop
        self._numbers = Numbers(metrics, name, source.version)
        self._batcher = Batcher(
            self._compute,
            self.loop,
            began=self._records.began if vitals is None else self._began,
            ended=self._records.ended if vitals is None else self._ended,
            observe=self._observe,
            found_stuck=self._found_stuck,
            over=self._no_longer_stuck,
        )
        self._methods: dict[str, Prepared] = {}
        self._connections: list[Connection] = []
        self._stopping = False

    async def start(self) -> None:
        """Load and warm up, in the compute thread.

        Raises:
            Exception: whatever the model's own code raises.
        """
        self._compute.start()
        try:
            runnable = await self._compute.run(self._load)
            here = self._own_loop and self._source.any_thread
            if here:
                self._use_threads(runnable)
            for spec in self._source.methods.values():
                where = f"{self._name}.{spec.name}"
                method = Prepared(
                    spec, getattr(runnable, spec.name), where, self._options, here=here
                )
                self._methods[spec.name] = method
                self._batcher.add(method.queue)
            await self._compute.run(lambda: self._warm_up(runnable))
        except BaseException:
            self.abandon()
            raise

    async def stop(self, grace: float) -> None:
        """Answer what has been accepted, at most `grace` seconds long; then end.

        Callers in other processes are told at once, and take what they send from now on elsewhere.
        """
        self._stopping = True
        for connection in self._connections:
            connection.leave()
        try:
            async with asyncio.timeout(grace):
                await self._batcher.drained()
        except TimeoutError:
            self._batcher.refuse_all(Unavailable(f"{self._name} stopped before this call's turn"))
            for connection in self._connections:
                connection.stop_streams()
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_SECONDS):
                    await self._batcher.quiet()
        self._batcher.close()
        for connection in self._connections:
            connection.close()
        self.abandon()

    @property
    def stuck(self) -> Stuck | None:
        """The batch that does not end although nobody waits for it any more, if there is one."""
        return self._batcher.stuck

    def state(self) -> WorkerState:
        """What it is at now."""
        span = self._batcher.computing
        since, until = (None, None) if span is None else span
        return WorkerState(since, until, self._batcher.outstanding)

    def abandon(self) -> None:
        """End the compute thread after what it has begun; from any thread, waits for nothing."""
        self._compute.stop()

    def serve(self, channel: Channel) -> None:
        """Answer the calls that arrive on a channel."""
        connection = Connection(self, channel)
        self._connections.append(connection)
        if connection.ledger is not None:
            self._records.open(connection.ledger)
        if self._stopping:
            connection.leave()

    def lost(self, connection: Connection) -> None:
        """The caller's end of this connection has gone, and with it all of its calls."""
        self._connections.remove(connection)
        if connection.ledger is not None:
            self._records.close(connection.ledger)

    def accept(self, method: str) -> Prepared:
        """The method a call names.

        Raises:
            Unavailable: the worker is stopping.
            ItemError: there is no such method.
        """
        if self._stopping:
            raise Unavailable(f"runner {self._name!r} is stopping: call again in a moment")
        found = self._methods.get(method)
        if found is None:
            known = ", ".join(self._methods)
            raise ItemError(f"runner {self._name!r} has no method {method!r}, it has {known}", 404)
        return found

    def submit(self, method: Prepared, entries: Sequence[Entry]) -> None:
        """Let items wait for their batches. Raises Overloaded."""
        self._batcher.submit(method.queue, entries)
        self._numbers.waiting(self._batcher.waiting)

    def forget(self, method: Prepared, entries: Sequence[Entry]) -> None:
        """The caller of these items has gone."""
        self._batcher.forget(method.queue, entries)
        self._numbers.waiting(self._batcher.waiting)

    def _began(self, batch: Sequence[Entry]) -> None:
        self._records.began(batch)
        span = self._batcher.computing
        if self._vitals is not None and span is not None:
            self._vitals.begin(*span)

    def _ended(self) -> None:
        self._records.ended()
        if self._vitals is not None:
            self._vitals.end()

    def _observe(
        self, _queue: Queue, batch: Sequence[Entry], started: float, seconds: float
    ) -> None:
        self.served += len(batch)
        self._numbers.batch(batch, started, seconds)
        self._numbers.waiting(self._batcher.waiting)

    def _found_stuck(self, stuck: Stuck) -> None:
        _LOG.error(
            "runner %r answers nobody: %s, and nothing can end it but the end of the process",
            self._name,
            stuck,
        )

    def _no_longer_stuck(self, stuck: Stuck) -> None:
        _LOG.error("runner %r is back: %s took %.1f s", self._name, stuck.method, stuck.seconds)

    def _load(self) -> Any:
        runnable = self._source.load() if self._runnable is None else self._runnable
        self._runnable = None
        self._use_threads(runnable)
        return checked_runnable(runnable, self._source)

    def _use_threads(self, runnable: Any) -> None:
        """Called in each thread that computes: OpenMP counts for each one."""
        if self._options.threads is not None:
            self._source.use_threads(runnable, self._options.threads)

    def _warm_up(self, runnable: Any) -> None:
        """Call each method that has an example, and give the policy what it took."""
        for name, example in self._source.examples().items():
            method = self._methods[name]
            if method.rows is None:
                getattr(runnable, name)(example)
                continue
            items = [method.checked(item) for item in method.rows.unstack(decode(*encode(example)))]
            # The first call is cold (lazy imports, caches) and measures nothing of use.
            self._measured(runnable, method, items, 1)
            method.queue.policy.prior(list(self._sizes(runnable, method, items)))

    def _sizes(
        self, runnable: Any, method: Prepared, items: list[Any]
    ) -> Iterator[tuple[int, float]]:
        """Batches of 1, 2, 4, ... items and their seconds, up to half of the objective."""
        count, seconds, most = 1, 0.0, self._options.max_batch_size
        while count <= most and seconds < self._options.max_latency_ms / 2000:
            seconds = self._measured(runnable, method, items, count)
            yield count, seconds
            count = most if count < most < 2 * count else 2 * count

    def _measured(self, runnable: Any, method: Prepared, items: list[Any], count: int) -> float:
        assert method.rows is not None
        batch = method.rows.collate((items * count)[:count])
        started = time.perf_counter()
        getattr(runnable, method.spec.name)(batch)
        return time.perf_counter() - started
