"""The worker's end of a runner: loads the model, queues what arrives, answers it.

Knows a channel and a loop, not whether they belong to a process of their own.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from minibento.batching.batcher import Batcher, Entry, Outcome, Queue
from minibento.batching.compute import ComputeThread
from minibento.batching.policy import Adaptive, Greedy
from minibento.batching.results import join
from minibento.batching.rows import Rows, rows, unstack
from minibento.errors import ItemError, Unavailable
from minibento.metrics import BATCH_BUCKETS, Metrics
from minibento.runners.arguments import Arguments
from minibento.runners.jobs import Stream, batch_job, single_job, stream_job
from minibento.runners.method import MethodSpec
from minibento.runners.options import Options
from minibento.runners.source import Source, checked_runnable
from minibento.wire.channel import Channel
from minibento.wire.failures import to_record
from minibento.wire.messages import Call, Cancel, Credit, End, ErrorRecord, Failure, Item, Message
from minibento.wire.messages import Reply as ReplyMessage
from minibento.wire.rebuild import rebuilder
from minibento.wire.values import Payload, decode, encode

__all__ = ["Worker"]

_NOTHING = encode(None)


class Worker:
    """Serves the methods of one source over channels.

    Args:
        name: The runner's name, for metrics and errors.
        source: What is loaded.
        options: As given to `minibento.Runner`.
        metrics: Where batches and queues are counted.
    """

    def __init__(self, name: str, source: Source, options: Options, metrics: Metrics) -> None:
        self._name = name
        self._source = source
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._compute = ComputeThread(f"minibento-{name}", self._loop)
        self._numbers = _Numbers(metrics, name, source.version)
        self._batcher = Batcher(self._compute, self._loop, observe=self._numbers.batch)
        self._methods: dict[str, _Method] = {}
        self._stopping = False

    async def start(self) -> None:
        """Load and warm up, in the compute thread.

        Raises:
            Exception: whatever the model's own code raises.
        """
        self._compute.start()
        try:
            runnable = await self._compute.run(self._load)
            for spec in self._source.methods.values():
                self._methods[spec.name] = self._prepare(spec, getattr(runnable, spec.name))
            await self._compute.run(lambda: self._warm_up(runnable))
        except BaseException:
            self._compute.stop()
            raise

    async def stop(self, grace: float) -> None:
        """Answer what has been accepted, at most `grace` seconds long; then end."""
        self._stopping = True
        try:
            async with asyncio.timeout(grace):
                await self._batcher.drained()
        except TimeoutError:
            self._batcher.refuse_all(Unavailable(f"{self._name} stopped before this call's turn"))
        self._compute.stop()

    def serve(self, channel: Channel) -> None:
        """Answer the calls that arrive on a channel."""
        _Connection(self, channel)

    def accept(self, method: str) -> "_Method":
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

    def submit(self, method: "_Method", entries: Sequence[Entry]) -> None:
        """Let items wait for their batches. Raises Overloaded."""
        self._batcher.submit(method.queue, entries)
        self._numbers.waiting(method.queue)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything here is called on."""
        return self._loop

    def _load(self) -> Any:
        return checked_runnable(self._source.load(self._options.threads), self._source)

    def _prepare(self, spec: MethodSpec, function: Any) -> "_Method":
        where = f"{self._name}.{spec.name}"
        options = self._options
        if spec.batchable:
            stack = rows(spec.rows, spec.name)
            job = batch_job(spec, function, stack, where)
            objective = options.max_latency_ms / 1000
            policy: Any = Adaptive(options.max_batch_size, objective)
        else:
            stack = None
            bound = Arguments(function, spec.hints)
            job = stream_job(bound, where) if spec.streams else single_job(bound)
            policy = Greedy(1)
        queue = Queue(where, job, policy, options.max_queue)
        self._batcher.add(queue)
        return _Method(spec, queue, stack, where)

    def _warm_up(self, runnable: Any) -> None:
        """Call each method that has an example, and give the policy what it took."""
        for name, example in self._source.examples().items():
            method = self._methods[name]
            if method.rows is None:
                getattr(runnable, name)(example)
                continue
            items = [method.checked(item) for item in unstack(decode(*encode(example)), name)]
            measured: list[tuple[int, float]] = []
            # The first call is cold (lazy imports, caches) and measures nothing of use.
            for count in (1, 1, min(8, self._options.max_batch_size)):
                repeated = (items * count)[:count]
                batch = method.rows.collate(repeated)
                started = time.perf_counter()
                getattr(runnable, name)(batch)
                measured.append((count, time.perf_counter() - started))
            method.queue.policy.prior(measured[1:])


class _Method:
    """One method made ready: how its items are read, and the queue they wait in."""

    def __init__(self, spec: MethodSpec, queue: Queue, stack: Rows | None, where: str) -> None:
        self.spec = spec
        self.queue = queue
        self.rows = stack
        self.where = where
        self._rebuild = rebuilder(spec.item_hint)

    def checked(self, item: Any) -> Any:
        """A decoded item in the form in which it joins a batch. Raises ItemError."""
        assert self.rows is not None
        if self._rebuild is not None:
            try:
                item = self._rebuild(item)
            except ValueError as error:
                raise ItemError(f"{self.where}: {error}") from None
        return self.rows.check(item)

    def entry(self, item: Any, deadline: float | None, done: Any) -> Entry:
        """A checked item as an entry of the queue."""
        key = None if self.rows is None else self.rows.key(item)
        return Entry(item, key, deadline, done)


class _Connection:
    """The calls of one caller."""

    def __init__(self, worker: Worker, channel: Channel) -> None:
        self._worker = worker
        self._channel = channel
        self._entries: dict[int, tuple[_Method, list[Entry]]] = {}
        self._streams: dict[int, Stream] = {}
        channel.receive(self._received)

    def _received(self, message: Message) -> None:
        if isinstance(message, Call):
            self._call(message)
        elif isinstance(message, Cancel):
            self._cancel(message)
        elif isinstance(message, Credit) and message.id in self._streams:
            self._streams[message.id].credit(message.count)

    def _call(self, call: Call) -> None:
        try:
            method = self._worker.accept(call.method)
            value = decode(*call.payload)
            if method.spec.streams:
                self._stream(call, method, value)
            elif call.count is None:
                self._one(call, method, value)
            else:
                self._many(call, method, value)
        except Exception as error:  # noqa: BLE001 - every call is answered, whatever it holds
            self._entries.pop(call.id, None)
            self._streams.pop(call.id, None)
            self._channel.send(Failure(call.id, to_record(error, call.method)))

    def _one(self, call: Call, method: _Method, value: Any) -> None:
        item = value if method.rows is None else method.checked(value)

        def done(outcome: Outcome) -> None:
            self._entries.pop(call.id, None)
            self._channel.send(self._reply(call.id, method, outcome))

        entry = method.entry(item, call.deadline, done)
        self._worker.submit(method, [entry])
        self._entries[call.id] = (method, [entry])

    def _many(self, call: Call, method: _Method, value: Any) -> None:
        items = unstack(value, method.spec.name)
        if not items:
            raise ItemError(f"{method.spec.name}.batch was given no items: pass at least one")
        group = _Group(len(items), lambda group: self._finished(call, method, group))
        entries: list[Entry] = []
        for index, item in enumerate(items):
            try:
                entry = method.entry(method.checked(item), call.deadline, group.place(index))
            except ItemError as error:
                group.set(index, Outcome(error))
                continue
            entries.append(entry)
        if entries:
            self._worker.submit(method, entries)
            self._entries[call.id] = (method, entries)

    def _finished(self, call: Call, method: _Method, group: "_Group") -> None:
        self._entries.pop(call.id, None)
        values: list[Any] = []
        errors: list[ErrorRecord] = []
        for index, outcome in enumerate(group.outcomes):
            failed = isinstance(outcome.value, BaseException)
            values.append(None if failed else outcome.value)
            if failed:
                errors.append(to_record(outcome.value, method.where, index))
        try:
            payload = encode(values if errors else join(values), method.where)
        except Exception as error:  # noqa: BLE001 - what the model answered cannot cross
            self._channel.send(Failure(call.id, to_record(error, method.where)))
            return
        last = group.outcomes[-1]
        reply = ReplyMessage(
            call.id,
            payload,
            last.batch_size,
            last.queue_seconds,
            last.compute_seconds,
            tuple(errors),
        )
        self._channel.send(reply)

    def _stream(self, call: Call, method: _Method, value: Any) -> None:
        def emit(payload: Payload) -> None:
            self._channel.send(Item(call.id, payload))

        def done(outcome: Outcome) -> None:
            self._entries.pop(call.id, None)
            self._streams.pop(call.id, None)
            if isinstance(outcome.value, BaseException):
                self._channel.send(Failure(call.id, to_record(outcome.value, method.where)))
            else:
                self._channel.send(End(call.id))

        args, kwargs = value
        stream = Stream(args, kwargs, self._worker.loop, emit)
        entry = method.entry(stream, call.deadline, done)
        self._worker.submit(method, [entry])
        self._streams[call.id] = stream
        self._entries[call.id] = (method, [entry])

    def _cancel(self, message: Cancel) -> None:
        method, entries = self._entries.pop(message.id, (None, []))
        for entry in entries:
            if method is not None:
                method.queue.forget(entry)
        stream = self._streams.pop(message.id, None)
        if stream is not None:
            stream.stop()

    def _reply(self, call_id: int, method: _Method, outcome: Outcome) -> Message:
        if isinstance(outcome.value, BaseException):
            return Failure(call_id, to_record(outcome.value, method.where))
        try:
            payload = encode(outcome.value, method.where)
        except Exception as error:  # noqa: BLE001 - what the model answered cannot cross
            return Failure(call_id, to_record(error, method.where))
        return ReplyMessage(
            call_id, payload, outcome.batch_size, outcome.queue_seconds, outcome.compute_seconds
        )


class _Group:
    """The outcomes of a call of many items, which may travel in several batches."""

    def __init__(self, count: int, complete: Any) -> None:
        self.outcomes: list[Outcome] = [Outcome(None)] * count
        self._left = count
        self._complete = complete

    def place(self, index: int) -> Any:
        """What to call with the outcome of item `index`."""
        return lambda outcome: self.set(index, outcome)

    def set(self, index: int, outcome: Outcome) -> None:
        """Record an outcome; the last one completes the call."""
        self.outcomes[index] = outcome
        self._left -= 1
        if self._left == 0:
            self._complete(self)


class _Numbers:
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

    def waiting(self, queue: Queue) -> None:
        """An item was queued."""
        self._length.set(len(queue))

    def batch(self, queue: Queue, batch: Sequence[Entry], started: float, seconds: float) -> None:
        """A batch has finished."""
        self._sizes.observe(len(batch))
        self._model.observe(seconds)
        for entry in batch:
            self._waits.observe(started - entry.arrived)
        self._length.set(len(queue))
