"""Exceptions as plain data and back: ours cross as themselves, all others as ModelError."""

import traceback
from typing import Any

from minibento import errors
from minibento.errors import ItemError, MinibentoError, ModelError, Overloaded
from minibento.wire.messages import ErrorRecord

__all__ = ["from_record", "to_record"]

_CROSS_AS_THEMSELVES = (
    "BadResult",
    "CannotCross",
    "DeadlineExceeded",
    "ModelError",
    "Overloaded",
    "Unavailable",
    "UsageError",
)


def to_record(error: BaseException, method: str, index: int | None = None) -> ErrorRecord:
    """What crosses in an exception's place."""
    if isinstance(error, ItemError):
        return ErrorRecord("ItemError", error.detail, error.status, error.field, index=index)
    status, detail = getattr(error, "status_code", None), getattr(error, "detail", None)
    if isinstance(status, int) and 400 <= status <= 599 and isinstance(detail, str):
        # An HTTPException, by its shape: a worker does not import Starlette.
        return ErrorRecord("ItemError", detail, status, index=index)
    name = type(error).__name__
    if isinstance(error, MinibentoError) and name in _CROSS_AS_THEMSELVES:
        text = getattr(error, "remote_traceback", "")
        return ErrorRecord(name, str(error), error.status, traceback=text, index=index)
    lines = "".join(traceback.format_exception(error))
    return ErrorRecord("ModelError", f"{method}: {name}: {error}", traceback=lines, index=index)


def from_record(record: ErrorRecord) -> MinibentoError:
    """The exception to raise at the caller."""
    error: Any
    if record.kind == "ItemError":
        error = ItemError(record.detail, record.status, record.field)
        error.index = record.index
        return error  # type: ignore[no-any-return]
    kind = getattr(errors, record.kind)
    error = kind(record.detail)
    if isinstance(error, ModelError):
        error.remote_traceback = record.traceback
    assert isinstance(error, MinibentoError)
    assert not isinstance(error, Overloaded) or error.retry_after >= 1
    return error
