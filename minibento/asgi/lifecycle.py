"""From a declaration to a living instance and back: the order in which things start and stop.

Knows runners and hooks; knows no routes.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from minibento.asgi.daemon_threads import DaemonThreads
from minibento.errors import UsageError
from minibento.metrics import Metrics
from minibento.services.declaration import Declaration, Runs

__all__ = ["Lifecycle"]

_LOG = logging.getLogger("minibento")
_THREADS = 40


class Lifecycle:
    """One run of a service on one event loop.

    Attributes:
        instance: The service's own object, once started.
        threads: Where its `def` methods run.
        check_thread: Where a readiness check that is not `async` runs, as `threads` may be busy.
        metrics: What the run counts.
        started: Whether all start-up hooks have returned and stop has not begun.
        loop: The event loop that it runs on; None: not started.
    """

    def __init__(self, declaration: Declaration, replacements: Mapping[str, Any]) -> None:
        self.declaration = declaration
        self.instance: Any = None
        self.threads = DaemonThreads(_THREADS, declaration.name)
        self.check_thread = DaemonThreads(1, f"{declaration.name}-check")
        self.metrics = Metrics()
        self.started = False
        self.loop: asyncio.AbstractEventLoop | None = None
        self._replacements = replacements
        self._undo: list[Callable[[], Awaitable[object]]] = []

    @property
    def runners(self) -> dict[str, Runs]:
        """The runners in use: those declared, and what stands in for them."""
        found = {**self.declaration.runners, **self._replacements}
        return {name: runner for name, runner in found.items() if isinstance(runner, Runs)}

    async def start(self) -> None:
        """Make the instance, start the runners, run the hooks; undo all of it if one fails."""
        self.loop = asyncio.get_running_loop()
        try:
            for runner in self.runners.values():
                await runner.start(self.metrics)
                self._undo.append(runner.stop)
            self.instance = self._made()
            for name in self.declaration.hooks["on_shutdown"]:
                self._undo.append(self._hook(name))
            for name in self.declaration.hooks["on_startup"]:
                await self._hook(name)()
        except BaseException:
            await self.stop()
            raise
        self.started = True

    async def stop(self) -> None:
        """Undo what start did, the last first; an error in one does not keep the others."""
        self.started = False
        while self._undo:
            undo = self._undo.pop()
            try:
                await undo()
            except Exception:  # noqa: BLE001  # the others must be stopped too
                _LOG.exception("%s: an error while stopping", self.declaration.name)
        self.threads.shutdown()
        self.check_thread.shutdown()
        self.loop = None

    def abandon(self) -> None:
        """Forget a run whose loop was closed under it: nothing can be awaited there any more."""
        self.started = False
        self._undo.clear()
        self.threads.shutdown()
        self.check_thread.shutdown()

    def _made(self) -> Any:
        cls: Any = self.declaration.cls
        instance = cls.__new__(cls)
        for name, value in self._replacements.items():
            setattr(instance, name, value)
        instance.__init__()
        return instance

    def _hook(self, name: str) -> Callable[[], Awaitable[object]]:
        async def run() -> object:
            result = getattr(self.instance, name)()
            return await result if inspect.isawaitable(result) else result

        return run


def check_loop(lifecycle: Lifecycle) -> None:
    """Raise UsageError if the run belongs to another loop that is still there."""
    if lifecycle.loop is not None and not lifecycle.loop.is_closed():
        raise UsageError(
            f"{lifecycle.declaration.name} runs on another event loop of this process: "
            "serve one service on one loop"
        )
