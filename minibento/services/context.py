"""What a method may know of its request and say about its answer; knows no service."""

import time
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Answer", "Context"]


class Answer:
    """Status, headers and cookies of the answer, beside the value that the method returns.

    Attributes:
        status_code: 200 unless set.
        headers: As Starlette's: `ctx.response.headers["cache-control"] = "no-store"`.
    """

    def __init__(self) -> None:
        self.status_code = 200
        # Starlette's own object writes headers and cookies; its body is never sent.
        self._starlette = Response()
        del self._starlette.headers["content-length"]
        self.headers = self._starlette.headers
        self.set_cookie = self._starlette.set_cookie
        self.delete_cookie = self._starlette.delete_cookie

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers as they are sent."""
        return self._starlette.raw_headers


@dataclass(slots=True)
class Context:
    """The request under way; a method gets one if a parameter has this type as its hint.

    Attributes:
        request: Starlette's request: headers, cookies, client, url, state. Its body has been read.
        request_id: As answered in `X-Request-Id`.
        deadline: Absolute `time.monotonic()` seconds by which the answer is due.
        response: What the answer gets beside the returned value.
    """

    request: Request
    request_id: str
    deadline: float
    response: Answer = field(default_factory=Answer)

    @property
    def seconds_left(self) -> float:
        """Seconds until the answer is due, not below zero."""
        return max(0.0, self.deadline - time.monotonic())
