"""Bytes of a request body: which type they are said to be, and all of them up to a limit.

Knows HTTP headers; knows no service and no JSON.
"""

import re
from collections.abc import Callable, Mapping

from starlette.types import Message, Receive

from minibento.asgi.refusals import Gone, Stop
from minibento.io.base import Decode

__all__ = ["MAX_BODY", "choose_decoder", "exact_types", "read_on"]

MAX_BODY = 64 * 1024 * 1024
_UTF8 = {"utf-8", "utf8", "us-ascii", "ascii"}
_CURL_DEFAULT = "application/x-www-form-urlencoded"


def exact_types(decoders: Mapping[str, Decode]) -> dict[bytes | None, Decode]:
    """Decoders by the header as nearly every client writes it."""
    found: dict[bytes | None, Decode] = {}
    for media_type, decode in decoders.items():
        for end in ("", "; charset=utf-8", ";charset=utf-8", "; charset=UTF-8", ";charset=UTF-8"):
            found[(media_type + end).encode()] = decode
    return found


def choose_decoder(headers: Mapping[bytes, bytes], decoders: Mapping[str, Decode]) -> Decode:
    """The decoder for a body by its headers, however they are written.

    Raises:
        Stop: 415, with the types that are accepted.
    """
    coding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    if coding not in {"", "identity"}:
        raise Stop(415, f"Content-Encoding {coding[:80]!r} is not accepted: send the body as it is")
    accepted = " or ".join(decoders)
    if b"content-type" not in headers:
        raise Stop(415, f"the request has no Content-Type: send {accepted}")
    given = headers[b"content-type"].decode("latin-1")
    media_type, _, parameters = given.partition(";")
    decode = decoders.get(media_type.strip().lower())
    if decode is None:
        raise Stop(
            415, _wrong_type(media_type.strip().lower()[:80], accepted, next(iter(decoders)))
        )
    charset = re.search(r"charset\s*=\s*\"?([^\s\";]*)", parameters, re.IGNORECASE)
    if charset is not None and charset[1].lower() not in _UTF8:
        raise Stop(415, f"the charset {charset[1][:40]!r} is not accepted: send UTF-8")
    return decode


async def read_on(
    message: Message,
    receive: Receive,
    headers: Mapping[bytes, bytes],
    limit: int,
    take: Callable[[int], None],
) -> bytes:
    """The whole body, of which `message` is the first part.

    Args:
        take: Told the bytes of each part before that is kept; may raise.

    Raises:
        Stop: 413, it is or says it will be larger than the limit.
        Gone: the client left before its body was complete.
    """
    said = headers.get(b"content-length", b"")
    if said.isdigit() and int(said[:20]) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        take(len(part))
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def _too_large(limit: int) -> Stop:
    return Stop(
        413,
        f"the body is larger than {limit:,} bytes: send less at once",
        # What is left of the body is not read, so nothing can follow it on this connection.
        headers={"connection": "close"},
    )


def _wrong_type(media_type: str, accepted: str, usual: str) -> str:
    message = f"Content-Type {media_type!r} is not accepted: send {accepted}"
    if media_type == _CURL_DEFAULT:
        message += f"; with curl, add -H 'content-type: {usual}'"
    return message
