"""Which worker a call goes to, and where it goes when that worker is lost; knows no deadline."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

from minibento.errors import (
    CannotCross,
    MinibentoError,
    Overloaded,
    PoisonousItem,
    Unavailable,
    WorkerDied,
)
from minibento.runners.lane import Lane
from minibento.runners.loss import Verdict, verdict, verdict_on_gone, verdict_once
from minibento.runners.pending import Pending
from minibento.runners.refusals import Refusals, Remembered, digest
from minibento.runners.waiting import Waiting
from minibento.wire.channel import Channel
from minibento.wire.ledger import Computing

__all__ = ["FULL_SECONDS", "MOST_MOVES", "Dispatcher"]

_LOG = logging.getLogger("minibento")
# A call that was in the queue of so many workers that died has waited long enough.
MOST_MOVES = 5
# A worker that had no room for a call is passed over for so long while others may have.
FULL_SECONDS = 0.1


class Dispatcher:
    """Spreads one caller's calls over the lanes of one runner. All on one loop.

    A call is at a lane; or parked, while there is no lane; or held, while it is not known whether
    the worker has died that was computing it; or a suspect that waits until it can compute alone,
    one at a time.

    Args:
        name: The runner's, for errors.
        refusals: What is refused; what is found poisonous is added.
        max_queue: Items that may be parked; further ones are refused.
        idempotent: Whether a method may run again for the same item.
        poisoned: Told of the digest of each item found poisonous.
        resent: Told of each call that is sent again.
    """

    def __init__(
        self,
        name: str,
        refusals: Refusals,
        *,
        max_queue: int,
        idempotent: Callable[[str], bool],
        poisoned: Callable[[str], None],
        resent: Callable[[], None],
    ) -> None:
        self._name = name
        self._idempotent = idempotent
        self._max_queue = max_queue
        self._refusals = refusals
        self._poisoned = poisoned
        self._resent = resent
        self._lanes: list[Lane] = []
        # Their workers answer what they have, and take nothing more.
        self._leaving: list[Lane] = []
        self._full_until = 0.0  # By then each of them may have room.
        self._parked = Waiting()
        self._held = Waiting()
        self._suspects = Waiting()
        # Digests of items that were computing when a worker died, and whose callers had gone.
        self._suspicions = Remembered()
        self._on_trial: Pending | None = None

    @property
    def lanes(self) -> int:
        """Workers that can be reached."""
        return len(self._lanes)

    @property
    def leaving(self) -> bool:
        """Whether a worker is on its way out that still answers what it has."""
        return bool(self._leaving)

    def attach(self, channel: Channel, gone: Callable[[], None]) -> None:
        """Send calls over this channel too; `gone` is called when it takes no more of them."""

        # The lane hands itself over: if these held it, it would hold itself, after its end too.
        def leaving(lane: Lane, given_back: Pending | None) -> None:
            if lane in self._lanes:
                self._lanes.remove(lane)
                self._leaving.append(lane)
                gone()
            if given_back is not None:
                self._execute(Verdict.INNOCENT, given_back)
                self._try_suspect()

        def lost() -> None:
            self._lost(lane)
            gone()

        lane = Lane(channel, self._settled, leaving, self._elsewhere)
        channel.lost(lost)
        self._lanes.append(lane)
        for pending in self._parked.empty():
            self._again(pending)
        self._try_suspect()

    def send(self, pending: Pending) -> None:
        """Send a new call to the lane with the least to do, or let it wait for one.

        Raises:
            Overloaded: there is none, and too many wait already.
        """
        lane = self._best()
        if lane is not None and not self._suspicions:
            lane.send(pending)
        elif lane is None and self._parked.items >= self._max_queue:
            raise Overloaded(
                f"runner {self._name!r} has no worker at the moment, and {self._parked.items} "
                "items are waiting for one already"
            )
        else:
            self._again(pending)
            self._try_suspect()

    def under_way(self) -> Iterator[Pending]:
        """Every call that is not answered."""
        for lane in (*self._lanes, *self._leaving):
            yield from lane.outstanding()
        yield from self._parked
        yield from self._held
        yield from self._suspects

    def close(self) -> None:
        """Close the lanes; calls that are under way stay unanswered."""
        for lane in (*self._lanes, *self._leaving):
            lane.close()
        self._lanes.clear()
        self._leaving.clear()
        self._held.empty()

    def _best(self) -> Lane | None:
        """The lane with the fewest outstanding items; of equal ones the one that rested longest.

        Of those that may have room, if there are any.
        """
        lanes, best = self._lanes, None
        if self._full_until and (now := time.monotonic()) < self._full_until:
            lanes = [lane for lane in lanes if lane.full_until <= now] or lanes
        for lane in lanes:
            if (
                best is None
                or lane.items < best.items
                or (lane.items == best.items and lane.used < best.used)
            ):
                best = lane
        return best

    def _lost(self, lane: Lane) -> None:
        """A worker is lost: deal with the calls that were there, the most urgent first.

        What it was computing waits until it is known whether that has ended it.
        """
        (self._lanes if lane in self._lanes else self._leaving).remove(lane)
        computing, begun = lane.computing(), lane.begun_once()
        orphans = sorted(lane.orphans(), key=lambda pending: pending.due)
        if orphans:
            _LOG.warning(
                "runner %r lost a worker with %d calls under way", self._name, len(orphans)
            )
        accused = []
        for pending in orphans:
            if pending is self._on_trial:
                self._on_trial = None
            if self._idempotent(pending.call.method):
                found = verdict(pending, computing)
            else:
                found = verdict_once(pending, begun)
            if found in {Verdict.SUSPECT, Verdict.POISONOUS}:
                self._held.put(pending)
                accused.append((found, pending))
            else:
                self._execute(found, pending)
        if accused or lane.gone(computing):
            lane.ended(lambda ended: self._judge(lane, computing, accused, ended))
        self._try_suspect()

    def _judge(
        self,
        lane: Lane,
        computing: Computing | None,
        accused: Sequence[tuple[Verdict, Pending]],
        ended: bool,
    ) -> None:
        """It is known whether the worker has ended, or only the connection to it."""
        for found, pending in accused:
            if self._held.take(pending):
                self._execute(found if ended else Verdict.INNOCENT, pending)
        if ended and computing is not None:
            for gone in lane.gone(computing):
                if not self._idempotent(gone.method):
                    continue
                if verdict_on_gone(gone, computing) is Verdict.POISONOUS:
                    self._refuse(f"{self._name}.{gone.method}", gone.digest)
                else:
                    self._suspicions.add(gone.digest)
        self._try_suspect()

    def _execute(self, found: Verdict, pending: Pending) -> None:
        if found is Verdict.POISONOUS:
            self._condemn(pending)
        elif found is Verdict.DIED:
            pending.fail(self._died(pending))
        elif pending.moves >= MOST_MOVES:
            pending.fail(
                Unavailable(
                    f"{self._where(pending)}: {pending.moves + 1} worker processes ended before "
                    "this call had its turn: call again in a moment"
                )
            )
        else:
            pending.moves += 1
            self._resent()
            pending.suspect = pending.suspect or found is Verdict.SUSPECT
            self._again(pending)

    def _again(self, pending: Pending) -> None:
        """Send a call that has been accepted: no limit refuses it now."""
        if pending.suspect or (self._suspicions and self._suspicions.left(pending.call)):
            pending.suspect = True
            self._suspects.put(pending)
        elif (error := self._refused(pending)) is not None:
            pending.fail(error)
        elif (lane := self._best()) is not None:
            try:
                lane.send(pending)
            except CannotCross as large:  # its caller waits: nobody is there to raise it to
                pending.fail(large)
        else:
            self._parked.put(pending)

    def _elsewhere(self, lane: Lane, pending: Pending) -> bool:
        """A worker has no room for a call: send it to one that may; False: there is none.

        Who refuses at once has the least to do: all that comes would go there and be refused.
        """
        now = time.monotonic()
        lane.full_until = self._full_until = now + FULL_SECONDS
        best = self._best()
        if best is None or best.full_until > now:
            return False
        self._again(pending)
        self._try_suspect()
        return True

    def _try_suspect(self) -> None:
        """Let the most urgent suspect compute alone, unless another one does."""
        while self._on_trial is None and (lane := self._best()) is not None:
            pending = self._suspects.pop()
            if pending is None:
                return
            if (error := self._refused(pending)) is not None:
                pending.fail(error)
                continue
            pending.call.alone = True
            self._on_trial = pending
            lane.send(pending)

    def _settled(self, pending: Pending, done: bool) -> None:
        """A suspect got its result, or failed, or its caller has gone."""
        if done:
            self._suspicions.forget(pending.call)
        if pending is self._on_trial:
            self._on_trial = None
            self._try_suspect()

    def _refused(self, pending: Pending) -> MinibentoError | None:
        if self._refusals:
            try:
                self._refusals.check(pending.call, self._where(pending))
            except PoisonousItem as error:
                return error
        return None

    def _condemn(self, pending: Pending) -> None:
        where = self._where(pending)
        what = "this item" if pending.call.count is None else "one of these items"
        self._refuse(where, digest(pending.call))
        pending.fail(
            PoisonousItem(
                f"{where}: {what} ended the model's worker process twice, the second time "
                "computing alone: leave it out; it is refused for a while without being tried"
            )
        )

    def _refuse(self, where: str, found: str) -> None:
        self._refusals.add(found)
        _LOG.error("%s: an item ended two worker processes, the second one alone: %s", where, found)
        self._poisoned(found)

    def _died(self, pending: Pending) -> WorkerDied:
        if pending.begun:
            what = "in the middle of the stream; what came until then is good, the rest is missing"
        else:
            what = (
                "while it computed this call, which may or may not have been done; it was not "
                "tried again, as the method is declared idempotent=False"
            )
        return WorkerDied(f"{self._where(pending)}: the model's worker process was lost {what}")

    def _where(self, pending: Pending) -> str:
        return f"{self._name}.{pending.call.method}"
