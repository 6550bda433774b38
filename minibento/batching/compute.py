"""Where a runner worker computes: in one thread, or on the loop; knows no items and no models."""

import asyncio
from asyncio.events import _get_running_loop, _set_running_loop
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

__all__ = ["ComputeThread", "without_loop"]

T = TypeVar("T")
Job = Callable[[], Any]
Done = Callable[[Any], None]


class ComputeThread:
    """Runs jobs one after the other and hands each outcome to the loop that it was made on.

    A job never raises: what user code may raise is caught where it is called. Daemon, so that a
    call that never returns cannot keep the process alive.
    """

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: SimpleQueue[tuple[Job, Done] | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, job: Job, done: Done) -> None:
        """Run `job` in the thread, then `done(outcome)` on the loop."""
        self._jobs.put((job, done))

    async def run(self, job: Job) -> Any:
        """Run `job`, which may raise, and wait for what it returns."""
        future: asyncio.Future[Any] = self._loop.create_future()

        def caught() -> tuple[Any, BaseException | None]:
            try:
                return job(), None
            except BaseException as error:  # noqa: BLE001 - raised again by the waiter
                return None, error

        def settle(outcome: tuple[Any, BaseException | None]) -> None:
            result, error = outcome
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                # StopIteration cannot be raised into a Future.
                future.set_exception(
                    RuntimeError(repr(error)) if isinstance(error, StopIteration) else error
                )

        self.submit(caught, settle)
        return await future

    def stop(self) -> None:
        """End the thread after the jobs that were submitted; does not wait for it."""
        self._jobs.put(None)

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, done = entry
            outcome = job()
            # The loop may have been closed while the job ran; then nobody waits for its outcome.
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(done, outcome)
            # An idle thread must not keep the last batch alive.
            del entry, job, done, outcome


def without_loop(job: Callable[[], T]) -> T:
    """Run a job on the loop's thread as in a thread of its own: it finds no loop that runs.

    So that user code may do there what it may do in the other thread, `asyncio.run` say.
    """
    loop = _get_running_loop()
    _set_running_loop(None)
    try:
        return job()
    finally:
        _set_running_loop(loop)
