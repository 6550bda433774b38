"""Headers of answers that user code has a say in; knows no methods."""

import re

from starlette.types import Message, Send

from minibento.io.base import BadAnswer

__all__ = ["Headers", "checked", "with_headers"]

Headers = list[tuple[bytes, bytes]]
_BREAK = re.compile(rb"[\r\n\0]")


def checked(headers: Headers) -> Headers:
    """The same headers.

    Raises:
        BadAnswer: one has a line break: it would end the header and begin another.
    """
    for name, value in headers:
        if _BREAK.search(name) or _BREAK.search(value):
            raise BadAnswer(f"the header {name!r} of the answer has a line break: {value!r}")
    return headers


def with_headers(send: Send, headers: Headers) -> Send:
    """A `send` that adds headers to the answer; the answer itself may be sent again elsewhere."""

    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return adding
