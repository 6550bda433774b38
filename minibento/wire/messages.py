"""What the two ends of a channel say to each other, as plain data; knows no bytes and no loop.

Callers send Call, Cancel and Credit; workers answer each Call with one Reply or Failure, or, for a
streaming method, with Items and then an End or a Failure.
"""

from dataclasses import dataclass
from typing import TypeAlias

from minibento.wire.payload import Payload

__all__ = [
    "Call",
    "Cancel",
    "Credit",
    "End",
    "ErrorRecord",
    "Failure",
    "Item",
    "Message",
    "Reply",
]


@dataclass(slots=True)
class Call:
    """Run a method on one item, or on `count` items held by one value.

    Attributes:
        deadline: Absolute CLOCK_MONOTONIC seconds; None: never.
        count: None: one item; else the number of items in the payload's list, array or frame.
        alone: The item may share its batch with no other.
    """

    id: int
    method: str
    payload: Payload
    deadline: float | None = None
    count: int | None = None
    alone: bool = False


@dataclass(slots=True)
class ErrorRecord:
    """An exception as it crosses: the name of its type and what is needed to raise it again.

    Attributes:
        refused: There was no room for the call, and nothing of it has begun.
    """

    kind: str
    detail: str
    status: int = 500
    field: str | None = None
    traceback: str = ""
    index: int | None = None
    retry_after: int = 1
    expected: str | None = None
    got: str | None = None
    refused: bool = False


@dataclass(slots=True)
class Reply:
    """The result of a Call.

    Attributes:
        errors: For a call of many items: those that failed, with their index; their places in the
            payload hold None.
        batch_size: Items in the batch that this call travelled in.
        queue_seconds: From arrival at the worker to the start of the batch.
        compute_seconds: What the batch took in the model.
    """

    id: int
    payload: Payload
    batch_size: int = 1
    queue_seconds: float = 0.0
    compute_seconds: float = 0.0
    errors: tuple[ErrorRecord, ...] = ()


@dataclass(slots=True)
class Failure:
    """A Call failed as a whole."""

    id: int
    error: ErrorRecord


@dataclass(slots=True)
class Item:
    """One item of a stream."""

    id: int
    payload: Payload


@dataclass(slots=True)
class End:
    """The stream is complete."""

    id: int


@dataclass(slots=True)
class Cancel:
    """The caller has gone; whatever is left of the call need not be done."""

    id: int


@dataclass(slots=True)
class Credit:
    """The caller takes `count` more items of the stream."""

    id: int
    count: int


Message: TypeAlias = Call | Reply | Failure | Item | End | Cancel | Credit
