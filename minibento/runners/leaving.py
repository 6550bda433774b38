"""How a worker that is about to leave says so: it gives a call back untouched."""

from minibento.wire.messages import ErrorRecord, Failure

__all__ = ["is_leaving", "leaving"]

_KIND = "Leaving"


def leaving(call_id: int = 0) -> Failure:
    """The worker leaves and has not begun this call; without one, it says it to all its callers."""
    return Failure(call_id, ErrorRecord(_KIND, "the worker is leaving", 503))


def is_leaving(message: Failure) -> bool:
    """Whether this says that."""
    return message.error.kind == _KIND
