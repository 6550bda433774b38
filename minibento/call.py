"""What every layer of one call knows: its id, when it is due, and what was noted on the way.

Floor 1, so that HTTP, runners and logs can share it without knowing each other.
"""

from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["Call", "current_call"]


@dataclass(slots=True)
class Call:
    """One API call under way.

    Attributes:
        request_id: As answered in `X-Request-Id` and written to every log line of the call.
        deadline: Absolute `time.monotonic()` seconds by which the answer is due; None: never.
        cancelled_when_due: Whoever awaits is cancelled at the deadline; nobody below needs a timer.
        model_version: Tag of the model that answered last, for the access log.
        batch_size: Items in the batch the last runner call travelled in; 0: no runner called.
        queue_seconds: Time the last runner call waited for its batch to start.
        compute_seconds: Time the batch of the last runner call took in the model.
        held_bytes: Of its body, if that came in several parts; counted until it is answered.
    """

    request_id: str
    deadline: float | None = None
    cancelled_when_due: bool = False
    model_version: str = ""
    batch_size: int = 0
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    held_bytes: int = 0


current_call: ContextVar[Call | None] = ContextVar("minibento_current_call", default=None)
