"""Exceptions as plain data and back: ours cross as themselves, all others as ModelError."""

import math
import traceback
from typing import Any

from minibento import errors
from minibento.errors import ItemError, MinibentoError, ModelError, Overloaded
from minibento.wire.messages import ErrorRecord

__all__ = ["from_record", "to_record"]

_CROSS_AS_THEMSELVES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        errors.BadResult,
        errors.CannotCross,
        errors.DeadlineExceeded,
        errors.ModelError,
        errors.Overloaded,
        errors.Unavailable,
        errors.UsageError,
    )
}


def to_record(error: BaseException, method: str, index: int | None = None) -> ErrorRecord:
    """What crosses in an exception's place; raises nothing itself."""
    try:
        return _record(error, method, index)
    except BaseException:  # noqa: BLE001 - user code: an exception whose own attributes raise
        name = type(error).__name__
        return ErrorRecord("ModelError", f"{method}: {name}: {_text(error)}", index=index)


def _record(error: BaseException, method: str, index: int | None) -> ErrorRecord:
    if isinstance(error, ItemError):
        return ErrorRecord(
            "ItemError",
            _text(error.detail),
            _integer(error.status, ItemError.status),
            None if error.field is None else _text(error.field),
            index=index,
            expected=None if error.expected is None else _text(error.expected),
            got=None if error.got is None else _text(error.got),
        )
    status, detail = getattr(error, "status_code", None), getattr(error, "detail", None)
    if isinstance(status, int) and 400 <= status <= 599 and isinstance(detail, str):
        # An HTTPException, by its shape: a worker does not import Starlette.
        return ErrorRecord("ItemError", _text(detail), int(status), index=index)
    name = type(error).__name__
    if isinstance(error, MinibentoError) and name in _CROSS_AS_THEMSELVES:
        text = _text(getattr(error, "remote_traceback", ""))
        retry_after = _integer(getattr(error, "retry_after", 1), 1)
        return ErrorRecord(
            name, _text(error), _integer(error.status, 500), None, text, index, retry_after
        )
    lines = "".join(traceback.format_exception(error))
    return ErrorRecord("ModelError", f"{method}: {name}: {_text(error)}", 500, None, lines, index)


def from_record(record: ErrorRecord) -> MinibentoError:
    """The exception to raise at the caller."""
    if record.kind == "ItemError":
        item_error = ItemError(
            record.detail, record.status, record.field, expected=record.expected, got=record.got
        )
        item_error.index = record.index
        return item_error
    error: MinibentoError = _CROSS_AS_THEMSELVES.get(record.kind, ModelError)(record.detail)
    if isinstance(error, ModelError):
        error.remote_traceback = record.traceback
    if isinstance(error, Overloaded):
        error.retry_after = record.retry_after
    return error


def _integer(value: object, default: int) -> int:
    """What user code set where a whole number belongs: a record must have its types to cross."""
    return int(value) if isinstance(value, int | float) and math.isfinite(value) else default


def _text(error: object) -> str:
    """What the exception says; a user's own `__str__` may itself raise."""
    try:
        return str.__str__(str(error))
    except BaseException:  # noqa: BLE001 - user code, which must not end the worker's loop
        return "(its text cannot be shown)"
