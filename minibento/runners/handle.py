"""One method of a runner as it is called, from any loop or from none."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Coroutine, Iterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from minibento.batching.results import split
from minibento.batching.rows import rows
from minibento.batching.unstack import row_count
from minibento.errors import BadResult, ItemError, MinibentoError, UsageError
from minibento.runners.method import MethodSpec
from minibento.wire.failures import from_record
from minibento.wire.messages import Reply
from minibento.wire.rebuild import rebuilder
from minibento.wire.values import Payload, decode, encode

if TYPE_CHECKING:
    from minibento.runners.engine import Engine

__all__ = ["MethodHandle", "StreamHandle"]

T = TypeVar("T")


class Callee(Protocol):
    """The runner, as its handles see it."""

    name: str

    @property
    def running(self) -> "Engine | None":
        """The engine, if it is started."""
        ...

    def engine(self) -> "Engine":
        """The running engine, started now if it is not."""
        ...


class _Handle:
    """What both kinds of handle share: a runner, a method and its name for errors."""

    def __init__(self, runner: "Callee", spec: MethodSpec) -> None:
        self._runner = runner
        self._spec = spec
        self._where = f"{runner.name}.{spec.name}"
        self._rebuild = rebuilder(spec.result_hint)

    def _rebuilt(self, result: Any) -> Any:
        """One result as the method's hint names it."""
        if self._rebuild is None:
            return result
        try:
            return self._rebuild(result)
        except ItemError as error:
            raise BadResult(f"{self._where} did not answer what its hint says: {error}") from None

    async def _engine(self) -> "Engine":
        # Loading takes time, and this loop may have others to serve.
        running = self._runner.running
        return await asyncio.to_thread(self._runner.engine) if running is None else running

    def _waited(self, coroutine: Coroutine[Any, Any, T], engine: "Engine") -> T:
        """The result of a coroutine on the engine's loop, from another thread."""
        if engine.is_here():
            coroutine.close()
            raise UsageError(
                f"{self._where}.run() would block the loop that it waits for: "
                f"await {self._where}(...) instead"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, engine.loop)
        try:
            return future.result()
        finally:  # Ctrl-C: nobody waits any more
            future.cancel()


class MethodHandle(_Handle):
    """A method called with one item, or with many by `.batch`; `.run` and `.run_batch` wait."""

    def __init__(self, runner: "Callee", spec: MethodSpec) -> None:
        super().__init__(runner, spec)
        self._rows = rows(spec.rows, spec.name) if spec.batchable else None

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the method on one item; its result has no batch axis.

        Raises:
            ItemError: the item is bad, or the model says so.
            CannotCross: a value of a type that cannot go to a runner.
            Overloaded: its queue is full.
            DeadlineExceeded: the deadline of the current call cannot be met.
            ModelError: the model's own code raised.
        """
        payload = self._payload(args, kwargs)
        reply = await self._send(payload, None)
        result = decode(*reply.payload)
        return result if self._rebuild is None else self._rebuilt(result)

    def run(self, *args: Any, **kwargs: Any) -> Any:
        """The same, waiting in this thread. Raises UsageError on the service's own loop."""
        engine = self._runner.engine()
        return self._waited(self(*args, **kwargs), engine)

    async def batch(self, items: Any, *, return_errors: bool = False) -> Any:
        """Run the method on many items; they share batches with other callers' items.

        Args:
            items: A list, array, frame or CSR matrix of rows.
            return_errors: Put errors in their items' places; the result is then a list.

        Returns:
            The results in one piece: an array or frame where they stack, else a list.

        Raises:
            ItemError: the first bad item's error; `index` is its place.
        """
        self._refuse_unbatchable()
        count = row_count(items, self._spec.name)
        reply = await self._send(encode(items, self._where), count)
        return self._results(reply, return_errors)

    def run_batch(self, items: Any, *, return_errors: bool = False) -> Any:
        """The same as `batch`, waiting in this thread."""
        engine = self._runner.engine()
        return self._waited(self.batch(items, return_errors=return_errors), engine)

    def _send(self, payload: Payload, count: int | None) -> Awaitable[Reply]:
        engine = self._runner.running
        if engine is not None and engine.is_here():
            return engine.client.call(self._spec.name, payload, count)
        return self._send_over(payload, count)

    async def _send_over(self, payload: Payload, count: int | None) -> Reply:
        """Send from another loop than the engine's, which is started if it is not."""
        engine = await self._engine()
        call = engine.client.call(self._spec.name, payload, count)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, engine.loop))

    def _payload(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Payload:
        if self._rows is None:
            return encode([list(args), kwargs], self._where)
        if len(args) != 1 or kwargs:
            given = len(args) + len(kwargs)
            raise UsageError(
                f"{self._where} takes one item, got {given} arguments: "
                f"many items go with {self._where}.batch([...])"
            )
        self._rows.check_rank(args[0])
        return encode(args[0], self._where)

    def _refuse_unbatchable(self) -> None:
        if self._rows is None:
            raise UsageError(
                f"{self._where} is not batchable: call it once for each item, or declare it "
                "batchable=True if it takes many at once"
            )

    def _results(self, reply: Reply, return_errors: bool) -> Any:
        results = decode(*reply.payload)
        errors: dict[int, MinibentoError] = {}
        for record in reply.errors:
            assert record.index is not None
            errors[record.index] = from_record(record)
        if errors and not return_errors:
            raise errors[min(errors)]
        if self._rebuild is not None:
            results = [
                result if index in errors else self._rebuilt(result)
                for index, result in enumerate(results)
            ]
        if not return_errors:
            return results
        parts = split(results, len(results), self._where)
        return [errors.get(index, result) for index, result in enumerate(parts)]


class StreamHandle(_Handle):
    """`async for part in handle(item)`; `for part in handle.run(item)`."""

    def __call__(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """What the method yields, as it comes.

        Raises:
            CannotCross: a value of a type that cannot go to a runner.
        """
        return self._read(encode([list(args), kwargs], self._where))

    def run(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """The same, waiting in this thread for each part."""
        return self._read_here(encode([list(args), kwargs], self._where))

    async def _read(self, payload: Payload) -> AsyncIterator[Any]:
        engine = await self._engine()
        stream = engine.client.stream(self._spec.name, payload)
        if not engine.is_here():
            stream = _carried(stream, engine.loop)
        async with aclosing(stream):
            async for part in stream:
                yield self._rebuilt(part)

    def _read_here(self, payload: Payload) -> Iterator[Any]:
        engine = self._runner.engine()
        stream = engine.client.stream(self._spec.name, payload)
        try:
            while True:
                try:
                    part = self._waited(_next(stream), engine)
                except StopAsyncIteration:
                    return
                yield self._rebuilt(part)
        finally:
            if not engine.is_here():
                self._waited(_close(stream), engine)


async def _next(stream: AsyncGenerator[Any, None]) -> Any:
    return await anext(stream)


async def _close(stream: AsyncGenerator[Any, None]) -> None:
    await stream.aclose()


async def _carried(
    stream: AsyncGenerator[Any, None], loop: asyncio.AbstractEventLoop
) -> AsyncGenerator[Any, None]:
    """A stream of another loop, read on this one."""
    try:
        while True:
            future = asyncio.run_coroutine_threadsafe(_next(stream), loop)
            try:
                yield await asyncio.wrap_future(future)
            except StopAsyncIteration:
                return
    finally:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_close(stream), loop))
