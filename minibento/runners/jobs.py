"""What the compute thread does for each kind of method: a batch, one call, a stream."""

import asyncio
import time
from collections.abc import Callable, Sequence
from threading import Semaphore
from typing import Any

from minibento.batching.isolate import Isolation
from minibento.batching.results import owned, split
from minibento.batching.rows import Rows
from minibento.errors import DeadlineExceeded, Unavailable
from minibento.runners.method import MethodSpec
from minibento.wire.values import Payload, encode

__all__ = ["Stream", "batch_job", "single_job", "stream_job"]

Job = Callable[[Sequence[Any]], list[Any]]

# Items a stream may be ahead of its reader.
STREAM_AHEAD = 16


def batch_job(spec: MethodSpec, function: Callable[[Any], Any], rows: Rows, where: str) -> Job:
    """Collate, call, take apart; bisect on an error if the method may be run again."""

    def run(items: Sequence[Any]) -> list[Any]:
        return split(function(rows.collate(items)), len(items), where)

    if spec.idempotent:
        return Isolation(run)

    def once(items: Sequence[Any]) -> list[Any]:
        try:
            return run(items)
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            return [error] * len(items)

    return once


def single_job(function: Callable[..., Any]) -> Job:
    """Call with one item's own arguments."""

    def run(items: Sequence[tuple[list[Any], dict[str, Any]]]) -> list[Any]:
        [(args, kwargs)] = items
        try:
            return [owned(function(*args, **kwargs))]
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            return [error]

    return run


class Stream:
    """One stream under way: what the compute thread and the loop share of it."""

    def __init__(
        self,
        args: list[Any],
        kwargs: dict[str, Any],
        loop: asyncio.AbstractEventLoop,
        emit: Callable[[Payload], None],
        deadline: float | None,
    ) -> None:
        self.args = args
        self.kwargs = kwargs
        self._loop = loop
        self._emit = emit
        self._credit = Semaphore(STREAM_AHEAD)
        self._deadline = deadline
        self._stopped = False

    def credit(self, count: int) -> None:
        """The reader took `count` items."""
        self._credit.release(count)

    def stop(self) -> None:
        """The reader has gone."""
        self._stopped = True
        self._credit.release()

    def send(self, value: Any, where: str) -> bool:
        """Pass one item on, in the compute thread; False once the reader has gone."""
        body, views = encode(value, where)
        # The generator goes on, and may write into its array, before this is sent.
        payload = Payload(body, [bytearray(view) for view in views])
        left = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        if not self._credit.acquire(timeout=left):
            raise DeadlineExceeded(f"{where}: the stream was not read to its end by the deadline")
        if not self._stopped:
            self._loop.call_soon_threadsafe(self._emit, payload)
        return not self._stopped


def stream_job(function: Callable[..., Any], where: str) -> Job:
    """Run a generator and pass its items on as they come."""

    def run(streams: Sequence[Stream]) -> list[Any]:
        [stream] = streams
        try:
            generator = function(*stream.args, **stream.kwargs)
            try:
                for value in generator:
                    if isinstance(value, BaseException):
                        return [value]
                    if not stream.send(value, where):
                        return [Unavailable(f"{where}: the reader of the stream has gone")]
            finally:
                generator.close()
        except BaseException as error:  # noqa: BLE001 - whatever user code raises is its answer
            return [error]
        return [None]

    return run
