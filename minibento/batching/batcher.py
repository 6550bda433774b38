"""The driver: a policy asked when a batch of a queue goes, one batch computing at a time.

Lives on one event loop and holds no lock. While a batch computes, the next one forms. The policy
decides, this awaits; what a batch does is the job's business. A batch that is over sooner than two
threads have woken each other computes right here, where its queue allows that.
"""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from minibento.batching.compute import ComputeThread, without_loop
from minibento.batching.overrun import Overrun, Span, Stuck
from minibento.batching.policy import SHORTEST_WAIT, Send
from minibento.batching.queue import RETURN_SECONDS, Entry, Outcome, Queue
from minibento.errors import DeadlineExceeded, Overloaded

__all__ = ["Batcher"]


class Batcher:
    """Feeds one compute thread from the queues of a worker's methods.

    Args:
        compute: The thread; nothing else submits batches to it.
        loop: The loop that everything here is called on.
        began: Told of each batch before the thread gets it.
        ended: Told when a batch has ended.
        observe: Told of each finished batch: queue, entries, when it started, compute seconds.
        found_stuck: Told of a batch that computes far past its callers' deadlines.
        over: Told when such a batch has ended after all.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        compute: ComputeThread,
        loop: asyncio.AbstractEventLoop,
        *,
        began: Callable[[Sequence[Entry]], None] = lambda _: None,
        ended: Callable[[], None] = lambda: None,
        observe: Callable[[Queue, Sequence[Entry], float, float], None] = lambda *_: None,
        found_stuck: Callable[[Stuck], None] = lambda _: None,
        over: Callable[[Stuck], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._compute = compute
        self._loop = loop
        self._began = began
        self._ended = ended
        self._observe = observe
        self._clock = clock
        self._queues: list[Queue] = []
        self._overrun = Overrun(loop, clock, found_stuck, over)
        self._batch: list[Entry] | None = None
        self._free = 0.0  # when it is predicted to have ended
        self._awake = False
        self._timer: asyncio.TimerHandle | None = None
        self._settled = asyncio.Event()

    def add(self, queue: Queue) -> None:
        """Serve this queue too."""
        self._queues.append(queue)

    def submit(self, queue: Queue, entries: Sequence[Entry]) -> None:
        """Let the items of one call wait for their batches: all of them or none.

        A call of many items that finds room is taken whole: its items are in memory already, and
        half an answer is of no use.

        Raises:
            Overloaded: the queue is full, or is predicted not to answer them in time.
        """
        if len(queue) >= queue.limit:
            raise Overloaded(f"{queue.method}: {len(queue)} items are waiting already")
        now = self._clock()
        if queue.longest is not None and (self._batch is not None or self.waiting):
            # Not asked of an idle worker: if what is predicted is wrong, only trying tells.
            expected = now + self._predicted(now, queue, len(entries))
            self._check(now, queue, queue.longest, entries[0].deadline, expected)
            # Then the last of them is answered, if anything is known of this method.
            if queue.policy.compute(1):
                entries[-1].expected = expected
        for entry in entries:
            entry.arrived = now
            queue.put(entry)
        queue.policy.arrived(now, len(entries))
        self._wake()

    @property
    def waiting(self) -> int:
        """Items that wait in all queues, without those whose callers have gone."""
        return sum(map(len, self._queues))

    @property
    def computing(self) -> Span | None:
        """Since when the present batch computes and until when it may; None: nothing does."""
        return self._overrun.span

    @property
    def outstanding(self) -> int:
        """Items that wait or compute."""
        return self.waiting + len(self._batch or ())

    @property
    def stuck(self) -> Stuck | None:
        """The batch that computes far past the deadlines of all its callers, if there is one."""
        return self._overrun.stuck()

    def forget(self, queue: Queue, entries: Sequence[Entry]) -> None:
        """The callers of these items have gone."""
        for entry in entries:
            queue.forget(entry)
        self._settled.set()

    async def drained(self) -> None:
        """Wait until nobody waits for anything; what computes for nobody may go on."""
        while self.waiting or not all(entry.gone for entry in self._batch or ()):
            self._settled.clear()
            await self._settled.wait()

    async def quiet(self) -> None:
        """Wait until nothing computes."""
        while self._batch is not None:
            self._settled.clear()
            await self._settled.wait()

    def close(self) -> None:
        """Set no timer off any more."""
        self._cancel_timer()
        self._overrun.close()

    def refuse_all(self, error: BaseException) -> None:
        """Answer everything that waits with an error."""
        for queue in self._queues:
            for entry in queue.clear():
                self._tell(entry, Outcome(error))
        self._settled.set()

    def _predicted(self, now: float, queue: Queue, count: int) -> float:
        """Seconds until so many more items are answered: after the batch that computes, all that
        waits for other methods, and what waits for theirs.
        """
        seconds = max(0.0, self._free - now) + queue.policy.answered(len(queue), count)
        for other in self._queues:
            if other is not queue:
                seconds += other.policy.answered(len(other), 0)
        return seconds

    def _check(
        self, now: float, queue: Queue, longest: float, deadline: float | None, expected: float
    ) -> None:
        """Refuse what would be answered too late while it costs nothing yet."""
        left = longest if deadline is None else min(longest, deadline - now - RETURN_SECONDS)
        seconds = expected - now + queue.slip.seconds
        if seconds > left:
            ahead = f"{self.outstanding} items"
            raise Overloaded.predicted(queue.method, ahead, seconds, left)

    def _wake(self) -> None:
        """Decide at the end of this loop turn, when all that came with it has been queued."""
        if not self._awake and self._batch is None:
            self._awake = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._awake = False
        if self._batch is not None:
            return
        self._cancel_timer()
        now = self._clock()
        soonest = math.inf
        for queue in self._by_age():
            decision = queue.policy.decide(now, queue)
            if isinstance(decision, Send):
                if self._go(queue, decision.count, now):
                    return
                self._wake()  # every item was too late: look again
            else:
                soonest = min(soonest, decision.until)
        if soonest < math.inf:
            wait = max(SHORTEST_WAIT, soonest - now)
            self._timer = self._loop.call_later(wait, self._turn)
        self._settled.set()

    def _by_age(self) -> list[Queue]:
        waiting = [queue for queue in self._queues if len(queue)]
        return waiting if len(waiting) < 2 else sorted(waiting, key=lambda queue: queue.oldest)

    def _go(self, queue: Queue, count: int, now: float) -> bool:
        """Start a batch; False if none of its items can still be answered in time."""
        batch, late = queue.take(count, now)
        for entry in late:
            self._tell(entry, Outcome(_too_late(queue.method, entry, now)))
        if not batch:
            return False
        self._batch = batch
        self._free = now + queue.policy.compute(len(batch))
        self._overrun.begin(queue.method, batch, now)
        self._began(batch)
        items = [entry.item for entry in batch]
        job, clock = queue.job, time.perf_counter

        def timed() -> tuple[list[Any], float]:
            started = clock()
            outcomes = job(items)
            return outcomes, clock() - started

        if queue.here and queue.policy.short(len(batch)):
            self._finished(queue, batch, now, *without_loop(timed), here=True)
        else:
            self._compute.submit(timed, lambda result: self._finished(queue, batch, now, *result))
        return True

    def _finished(
        self,
        queue: Queue,
        batch: list[Entry],
        started: float,
        values: list[Any],
        seconds: float,
        *,
        here: bool = False,
    ) -> None:
        self._batch = None
        self._overrun.end()
        now = self._clock()
        queue.policy.finished(now, len(batch), seconds)
        # Of the first whose answer was predicted: those who joined its batch later have made it
        # longer. Else as predicted when the batch began: an idle worker has no other to learn from,
        # and would never forget a stall.
        begun = self._free if self._free > started else 0.0
        if expected := next((entry.expected for entry in batch if entry.expected), begun):
            queue.slip.observe(now - expected)
        self._ended()
        # The next batch computes while the answers of this one are sent. But where a batch is
        # shorter than any timer, sending is the only wait there is for those who come back: the
        # answers go first, or two half batches take turns (light model, 32 clients: 12 % less). And
        # where it stood still meanwhile, the loop has to turn.
        short = here or seconds < SHORTEST_WAIT
        if not short:
            self._turn()
        self._observe(queue, batch, started, seconds)
        self._answer(batch, started, values, seconds)
        if short:
            self._wake()

    def _answer(
        self, batch: list[Entry], started: float, values: list[Any], seconds: float
    ) -> None:
        for entry, value in zip(batch, values, strict=True):
            if not entry.gone:
                self._tell(entry, Outcome(value, len(batch), started - entry.arrived, seconds))

    def _tell(self, entry: Entry, outcome: Outcome) -> None:
        """Whoever cannot be told, as memory has run out, keeps nobody else from the answer."""
        try:
            entry.done(outcome)
        except Exception as error:  # noqa: BLE001 - the loop tells it
            message = "an answer could not be sent"
            self._loop.call_exception_handler({"message": message, "exception": error})

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _too_late(method: str, entry: Entry, now: float) -> DeadlineExceeded:
    waited = (now - entry.arrived) * 1000
    left = ((entry.deadline or now) - now) * 1000
    return DeadlineExceeded(
        f"{method}: after waiting {waited:.0f} ms, {max(left, 0):.0f} ms were left before the "
        "deadline, less than the model takes"
    )
