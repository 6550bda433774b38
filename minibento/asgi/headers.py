"""Status and headers of answers that user code has a say in; knows no methods."""

import re

from starlette.types import Message, Send

from minibento.io.base import BadAnswer

__all__ = ["Headers", "can_be_status", "checked", "typed", "with_headers", "without_body"]

Headers = list[tuple[bytes, bytes]]
_STATUSES = range(200, 600)
_BREAK = re.compile(rb"[\r\n\0]")


def can_be_status(status: object) -> bool:
    """Whether it can be the status of an answer; servers break the connection off at others."""
    return isinstance(status, int) and status in _STATUSES


def without_body(status: int) -> bool:
    """Whether an answer of this status ends with its headers.

    Bytes after them would be read as the beginning of the next answer on the connection.
    """
    return status in {204, 304}


def checked(status: int, headers: Headers) -> Headers:
    """The same headers.

    Raises:
        BadAnswer: one has a line break, which would end the header and begin another; or the
            status is none.
    """
    if not can_be_status(status):
        raise BadAnswer(f"the status {status!r} of the answer is none: 200 to 599 are")
    for name, value in headers:
        if _BREAK.search(name) or _BREAK.search(value):
            raise BadAnswer(f"the header {name!r} of the answer has a line break: {value!r}")
    return headers


def typed(media_type: tuple[bytes, bytes], own: Headers) -> Headers:
    """The method's own headers, after the media type: theirs, if they name one."""
    types = [header for header in own if header[0] == b"content-type"] or [media_type]
    return [types[-1], *(header for header in own if header[0] != b"content-type")]


def with_headers(send: Send, headers: Headers) -> Send:
    """A `send` that adds headers to the answer; the answer itself may be sent again elsewhere."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return adding
