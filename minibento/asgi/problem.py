"""Errors as `application/problem+json` answers (RFC 9457); knows no routes.

An answer tells the caller what the caller can mend. What went wrong inside goes to the log, under
the request id that the answer carries.
"""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException

from minibento.asgi.headers import can_be_status
from minibento.asgi.tracebacks import last_line
from minibento.errors import (
    DeadlineExceeded,
    ItemError,
    ModelError,
    Overloaded,
    PoisonousItem,
    Unavailable,
    WorkerDied,
)
from minibento.io.base import Flaw, Refused

__all__ = ["MEDIA_TYPE", "Problem", "of"]

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger("minibento")
_DEATHS: dict[type[Exception], str] = {
    PoisonousItem: "urn:minibento:problem:poisonous-item",
    WorkerDied: "urn:minibento:problem:worker-died",
}
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Problem:
    """One answer that is not a result."""

    status: int
    detail: str
    kind: str = "about:blank"
    flaws: tuple[Flaw, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, request_id: str) -> bytes:
        """The document that is sent."""
        document: dict[str, Any] = {
            "type": self.kind,
            "title": _title(self.status),
            "status": self.status,
            "detail": self.detail,
        }
        if self.flaws:
            document["errors"] = [_entry(flaw) for flaw in self.flaws]
        document["request_id"] = request_id
        # A lone surrogate in a user's message has no UTF-8 form: as an escape it has none either.
        return _SURROGATE.sub("\ufffd", json.dumps(document, ensure_ascii=False)).encode()

    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """Its own headers, beside content type and length."""
        return [(_latin(name.lower()), _latin(value)) for name, value in self.headers.items()]


def of(error: BaseException, request_id: str, where: str, *, show: bool = False) -> Problem:
    """The problem for an exception; what the caller may not see is logged here.

    Args:
        error: What ended the call.
        request_id: Of the call.
        where: Path of the call, for the log.
        show: Whether the caller, who is the developer, sees what went wrong inside.
    """
    if isinstance(error, Refused):
        return Problem(error.status, str(error), flaws=error.flaws)
    if isinstance(error, ItemError):
        return _of_item(error)
    if isinstance(error, HTTPException) and can_be_status(error.status_code):
        return Problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))
    if isinstance(error, DeadlineExceeded):
        return Problem(504, str(error))
    if isinstance(error, Overloaded | Unavailable):
        seconds = max(1, int(error.retry_after))
        return Problem(error.status, str(error), headers={"retry-after": str(seconds)})
    if isinstance(error, PoisonousItem | WorkerDied):
        # The caller's to know: what to leave out, or that the call may have been done.
        return Problem(500, str(error), kind=_DEATHS[type(error)])
    # All else is ours, not the caller's: that a model is not in the store, say, and where that is.
    remote = error.remote_traceback if isinstance(error, ModelError) else ""
    _log(error, remote, request_id, where)
    detail = "the service failed to answer; its log has the reason under this request id"
    if show:
        detail = last_line(remote or "".join(traceback.format_exception(error)))
    return Problem(500, detail, kind="urn:minibento:problem:internal")


def _of_item(error: ItemError) -> Problem:
    # Of a call of many items, which one: as first part of the place and in words.
    item = [] if error.index is None else [str(error.index)]
    detail = f"item {error.index}: {error.detail}" if item else error.detail
    if error.status >= 500:
        return Problem(
            error.status, detail, headers={"retry-after": "1"} if error.status == 503 else {}
        )
    place = ".".join([*item, *([error.field] if error.field else [])])
    flaw = Flaw(place, error.expected or error.detail, error.got)
    known = item or error.field is not None
    return Problem(error.status, detail, flaws=(flaw,) if known else ())


def _log(error: BaseException, remote: str, request_id: str, where: str) -> None:
    record = _LOG.makeRecord(
        _LOG.name,
        logging.ERROR,
        __file__,
        0,
        "%s failed: %s",
        (where, _text(error)),
        None if remote else (type(error), error, error.__traceback__),
        extra={"request_id": request_id},
    )
    # Where the model failed, in the place where every formatter looks for a traceback.
    record.exc_text = remote.rstrip() or None
    if _LOG.isEnabledFor(record.levelno):
        _LOG.handle(record)


def _text(error: BaseException) -> str:
    """Type and message, also of an exception whose own `__str__` raises."""
    return "".join(traceback.format_exception_only(error)).rstrip()


def _entry(flaw: Flaw) -> dict[str, str]:
    entry = {"field": flaw.field, "expected": flaw.expected}
    if flaw.got is not None:
        entry["got"] = flaw.got
    return entry


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def _latin(value: object) -> bytes:
    """Header text as bytes; a line break in a user's own value would forge a header."""
    return re.sub(r"[\r\n\0]", " ", str(value)).encode("latin-1", "replace")
