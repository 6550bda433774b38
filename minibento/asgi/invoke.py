"""How a method is called with what the body gave: chosen once, at start."""

import asyncio
import contextvars
import inspect
import time
import types
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor
from typing import Any

from minibento.asgi.daemon_threads import DaemonThreads
from minibento.asgi.duration import Duration
from minibento.call import current_call
from minibento.errors import Overloaded
from minibento.services.context import Context
from minibento.services.method import Method

__all__ = ["ABSENT", "Invoke", "Pending", "invoker", "resumed"]

Pending = Coroutine[Any, Any, Any]
Invoke = Callable[[Any, Context | None], Pending]


def invoker(method: Method, instance: object, threads: DaemonThreads, *, admission: bool) -> Invoke:
    """What calls the method and is awaited, whether it is `async def` or `def`.

    Args:
        threads: Where a `def` method runs.
        admission: Whether its call is refused where it is predicted to end after its deadline.
    """
    call = _call(method, getattr(instance, method.name))
    if method.is_async:
        return call
    if not admission:
        return _in_thread(call, threads)
    own = Duration()
    return _admitted(_in_thread(own.timed(call), threads), method.name, threads, own)


def _call(method: Method, bound: Callable[..., Any]) -> Callable[[Any, Context | None], Any]:
    context = method.context
    if len(method.parameters) > 1:
        if context is None:
            return lambda value, _: bound(**value)
        return lambda value, ctx: bound(**value, **{context: ctx})
    if not method.parameters:
        if context is None:
            return lambda _value, _: bound()
        return lambda _value, ctx: bound(**{context: ctx})
    name = method.parameters[0]
    if method.optional:
        return _optional(bound, name, context)
    if context is not None:
        return lambda value, ctx: bound(**{name: value, context: ctx})
    if inspect.signature(bound).parameters[name].kind is inspect.Parameter.KEYWORD_ONLY:
        return lambda value, _: bound(**{name: value})
    return lambda value, _: bound(value)


def _optional(
    bound: Callable[..., Any], name: str, context: str | None
) -> Callable[[Any, Context | None], Any]:
    """For a parameter with a default: an empty body leaves it away."""

    def call(value: Any, ctx: Context | None) -> Any:
        given = {} if value is ABSENT else {name: value}
        return bound(**given) if context is None else bound(**given, **{context: ctx})

    return call


def _admitted(invoke: Invoke, name: str, threads: DaemonThreads, own: Duration) -> Invoke:
    def checked(value: Any, context: Context | None) -> Pending:
        # While a thread is free everybody is let in: if predictions are wrong, only trying tells.
        if wait := threads.wait:
            call = current_call.get()
            if call is not None and call.deadline is not None:
                left = call.deadline - time.monotonic()
                # Those ahead may be of other methods, which take longer.
                seconds = wait + own.seconds
                if seconds > left:
                    ahead = f"{threads.waiting} calls"
                    raise Overloaded.predicted(name, ahead, seconds, left)
        return invoke(value, context)

    return checked


def _in_thread(call: Callable[[Any, Context | None], Any], threads: Executor) -> Invoke:
    # Whoever stops waiting leaves the thread busy until the method really ends: that is the slot.
    async def invoke(value: Any, context: Context | None) -> Any:
        carried = contextvars.copy_context()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(threads, carried.run, _guarded, call, value, context)

    return invoke


def _guarded(call: Callable[[Any, Context | None], Any], value: Any, context: Any) -> Any:
    try:
        return call(value, context)
    except StopIteration as error:
        # A future cannot hold one: the caller would wait for ever.
        raise RuntimeError("the method raised StopIteration") from error


@types.coroutine
def resumed(pending: Pending, waits_for: Any) -> Generator[Any, Any, Any]:
    """Await a coroutine whose first step has been taken and which `waits_for` a future now."""
    try:
        while True:
            try:
                sent = yield waits_for
            except GeneratorExit:
                pending.close()
                raise
            except BaseException as error:  # noqa: BLE001  # a cancellation, for the coroutine
                waits_for = pending.throw(error)
            else:
                waits_for = pending.send(sent)
    except StopIteration as done:
        return done.value


class _Absent:
    """No body came."""


ABSENT = _Absent()
