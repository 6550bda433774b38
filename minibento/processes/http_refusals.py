"""Requests that are refused before any service sees them: the answer, the log line, the count.

Knows what an answer looks like; knows no connection and not when to refuse.
"""

import logging
from collections.abc import Iterable
from typing import NamedTuple

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from minibento.asgi.problem import MEDIA_TYPE, Problem
from minibento.asgi.request_ids import maker
from minibento.metrics import Metrics

__all__ = ["Asked", "Refusal", "Refusals", "refusal_of"]

_LOG = logging.getLogger("minibento.access")


class Refusal(Exception):
    """A request goes no further: status and detail of its answer, after which we hang up."""

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after = retry_after


class Asked(NamedTuple):
    """What is known of a request that is refused, which may be nothing."""

    client: str = ""
    url: bytes = b""
    headers: Iterable[tuple[bytes, bytes]] = ()
    without_body: bool = False


def refusal_of(error: httptools.HttpParserError) -> Refusal:
    """What the parser did not take, as a refusal; what was raised while it read, as it was."""
    cause = error.__context__ if isinstance(error, httptools.HttpParserCallbackError) else error
    if isinstance(cause, Refusal):
        return cause
    if cause is error:
        return Refusal(400, f"this is not HTTP/1.1: {error}")
    return Refusal(400, "this is not HTTP/1.1: its URL is none, or a header's value")


class Refusals:
    """Makes the answers, and notes each of them."""

    def __init__(self, metrics: Metrics | None, *, access_log: bool) -> None:
        self._request_id = maker()
        self._access_log = access_log
        self._family = (metrics or Metrics()).counter(
            "minibento_refused_requests_total",
            "Requests refused before they reached the service.",
            ("status",),
        )

    def answer(self, refusal: Refusal, asked: Asked, usual: Iterable[tuple[bytes, bytes]]) -> bytes:
        """All bytes of an answer, the last on its connection; `usual`: headers of every answer."""
        given = next((value for name, value in asked.headers if name == b"x-request-id"), None)
        request_id = self._request_id(given)
        self._note(refusal, asked, request_id.decode("ascii"))
        body = Problem(refusal.status, refusal.detail).body(request_id.decode("ascii"))
        headers = [
            *usual,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", request_id),
            (b"connection", b"close"),
        ]
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        head = b"".join(b"%s: %s\r\n" % header for header in headers)
        return STATUS_LINE[refusal.status] + head + b"\r\n" + (b"" if asked.without_body else body)

    def _note(self, refusal: Refusal, asked: Asked, request_id: str) -> None:
        self._family.value(str(refusal.status)).add()
        if not self._access_log:
            return
        line: dict[str, object] = {
            "request_id": request_id,
            "api": asked.url.decode("latin-1")[:200],
            "status": refusal.status,
        }
        if asked.client:
            line["client"] = asked.client
        _LOG.info("refused: %s", refusal.detail, extra=line)
