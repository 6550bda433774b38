"""Large buffers on their way through shared memory, in one direction; knows no frames.

One writer and one reader, who meet in one number: how many buffers the reader has taken. The reader
copies each out when its frame arrives, in the order of the frames: so nothing that is handed on
points into shared memory, and a call that is given up leaves nothing behind to free. The writer
knows from the number alone which places are free, and takes the first that fits: so what is written
to, and thereby takes memory, is about as much as was ever on its way at once. (A ring would wander
through all of its pages, and out of the processor's cache.)

It does not grow. What finds no room travels in its frame: some copies more, but no memory for good.
"""

from bisect import bisect_left, insort
from collections import deque
from mmap import PAGESIZE, mmap

from minibento.errors import ProtocolError

__all__ = ["ARENA_BYTES", "LEAST_BYTES", "MOST_ARENA_BYTES", "ArenaReader", "ArenaWriter"]

# A page for the number, then the room.
ARENA_BYTES = PAGESIZE + 64 * 2**20
MOST_ARENA_BYTES = PAGESIZE + 2**30
# Smaller buffers cost less in the frame.
LEAST_BYTES = 64 * 2**10

_TAKEN = 0


class _Arena:
    """The mapping. A word is written by one machine instruction: nobody ever reads half of one."""

    def __init__(self, memory: mmap) -> None:
        self._memory = memory
        with memoryview(memory) as whole:
            self._words = whole[:PAGESIZE].cast("Q")
            self._room = whole[PAGESIZE:]

    def close(self) -> None:
        """Unmap it; the memory is gone when the other end does so too. May be called twice."""
        self._words.release()
        self._room.release()
        self._memory.close()


class ArenaWriter(_Arena):
    """The sending end: every place that `put` gives must be sent, in that order."""

    def __init__(self, memory: mmap) -> None:
        super().__init__(memory)
        self._taken = 0
        # Buffers on their way as (start, end): in the order of sending, and of their places.
        self._sent: deque[tuple[int, int]] = deque()
        self._full: list[tuple[int, int]] = []

    def put(self, buffer: memoryview | bytearray) -> int | None:
        """Copy a buffer in; its place, or None if it is small or finds no room."""
        size = len(buffer)
        if size < LEAST_BYTES:
            return None
        self._free()
        start = self._first_gap(size)
        end = start + size
        if end > len(self._room):
            return None
        self._room[start:end] = buffer
        self._sent.append((start, end))
        insort(self._full, (start, end))
        return start

    def _free(self) -> None:
        taken = self._words[_TAKEN]
        # A reader that claims too much spoils nothing but what it will itself read.
        while self._sent and self._taken < taken:
            del self._full[bisect_left(self._full, self._sent.popleft())]
            self._taken += 1

    def _first_gap(self, size: int) -> int:
        start = 0
        for full_from, full_to in self._full:
            if full_from - start >= size:
                break
            start = full_to
        return start


class ArenaReader(_Arena):
    """The receiving end, which trusts nothing that the writer says."""

    def __init__(self, memory: mmap) -> None:
        super().__init__(memory)
        self._taken = 0

    def take(self, place: int, size: int) -> bytearray:
        """Copy a buffer out and free its place.

        Raises:
            ProtocolError: it is not inside the arena.
        """
        if place + size > len(self._room):
            raise ProtocolError(
                f"{size:,} bytes at {place:,} are not in an arena of {len(self._room):,} bytes"
            )
        buffer = bytearray(self._room[place : place + size])
        self._taken += 1
        self._words[_TAKEN] = self._taken
        return buffer
