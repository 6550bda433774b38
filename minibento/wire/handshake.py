"""How two ends begin: the caller makes the shared memory and hands it over; knows no messages.

The caller says hello and passes three descriptors: the arena of calls, that of answers, the ledger.
The worker maps them and says the same hello back. This happens on the bare socket, before it goes
to an event loop's transport: transports drop descriptors without a word.
"""

import os
import socket
from mmap import PAGESIZE, mmap
from typing import NamedTuple

from minibento.errors import ProtocolError
from minibento.wire.arena import ARENA_BYTES, MOST_ARENA_BYTES, ArenaReader, ArenaWriter
from minibento.wire.descriptors import receive_with
from minibento.wire.frames import VERSION
from minibento.wire.ledger import LEDGER_BYTES, Ledger
from minibento.wire.shared_memory import create, mapped

__all__ = ["HELLO", "Greeting", "Shared", "check_hello", "offer"]

HELLO = b"minibento wire" + VERSION.to_bytes(2, "little")
_SIZES = {"calls": ARENA_BYTES, "answers": ARENA_BYTES, "ledger": LEDGER_BYTES}


class Shared(NamedTuple):
    """One end's shared memory. The ledger is unmapped when nobody holds it any more."""

    outgoing: ArenaWriter
    incoming: ArenaReader
    ledger: Ledger

    def close(self) -> None:
        """Unmap the arenas. May be called twice."""
        self.outgoing.close()
        self.incoming.close()


def offer(connected: socket.socket) -> Shared:
    """The caller's part: make the memory, say hello, pass it on. Raises OSError."""
    descriptors: list[int] = []
    try:
        for name, size in _SIZES.items():
            descriptors.append(create(f"minibento-{name}", size))
        # A fresh socket has room for so little: this neither blocks nor sends a part.
        socket.send_fds(connected, [HELLO], descriptors)
        calls, answers, ledger = _mapped(descriptors)
        return Shared(ArenaWriter(calls), ArenaReader(answers), Ledger(ledger))
    finally:
        _close(descriptors)


def check_hello(said: bytes) -> None:
    """Raises ProtocolError if what was said so far cannot become a hello."""
    if not HELLO.startswith(said):
        raise ProtocolError(f"a connection begins with {HELLO!r}, not {said!r}")


class Greeting:
    """The worker's part: a caller's hello as far as it has come, with what was passed."""

    def __init__(self) -> None:
        self._said = b""
        self._descriptors: list[int] = []

    def read(self, accepted: socket.socket) -> bool:
        """Read on, from a socket that does not block; whether the hello is complete.

        Raises:
            OSError: the caller has gone.
            ProtocolError: it is no hello.
        """
        try:
            data, came, truncated = receive_with(
                accepted, len(HELLO) - len(self._said), len(_SIZES)
            )
        except (BlockingIOError, InterruptedError):
            return False
        self._descriptors += came
        if truncated and len(self._descriptors) < len(_SIZES):
            raise ProtocolError(
                "descriptors that came with a hello found no room: this process has as many open "
                "as it may (ulimit -n)"
            )
        if truncated:
            raise ProtocolError(f"more than {len(_SIZES)} descriptors came with a hello")
        if not data:
            if self._said:
                raise ProtocolError(f"a caller left after half a hello: {self._said!r}")
            raise ConnectionResetError("a caller left without a word")
        self._said += data
        check_hello(self._said)
        return self._said == HELLO

    def take_up(self) -> Shared:
        """Map what was passed. Raises ProtocolError if it is not what a caller makes."""
        if len(self._descriptors) != len(_SIZES):
            count = len(self._descriptors)
            raise ProtocolError(f"{count} descriptors came with a hello, not {len(_SIZES)}")
        calls, answers, ledger = _mapped(self._descriptors)
        shared = Shared(ArenaWriter(answers), ArenaReader(calls), Ledger(ledger))
        shared.ledger.belongs_to(os.getpid())
        return shared

    def close(self) -> None:
        """Close the descriptors that came; mapped memory stays. May be called twice."""
        _close(self._descriptors)


def _mapped(descriptors: list[int]) -> tuple[mmap, mmap, mmap]:
    calls, answers, ledger = descriptors
    least = 2 * PAGESIZE
    return (
        mapped(calls, least, MOST_ARENA_BYTES),
        mapped(answers, least, MOST_ARENA_BYTES),
        mapped(ledger, LEDGER_BYTES, LEDGER_BYTES),
    )


def _close(descriptors: list[int]) -> None:
    while descriptors:
        os.close(descriptors.pop())
