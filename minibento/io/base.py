"""The seam for payloads: what turns a body into a value and a value into an answer.

Knows hints and bytes; knows neither HTTP nor services.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import TypeAdapter

__all__ = ["BadAnswer", "Codec", "Decode", "Encode", "Flaw", "Refused"]

Decode = Callable[[bytes], Any]
Encode = Callable[[Any], bytes]


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a body.

    Attributes:
        field: Where, as a dotted path (`rows.3.age`); empty: the body as a whole.
        expected: What would have been accepted.
        got: What came, shortened; None: nothing came.
    """

    field: str
    expected: str
    got: str | None = None


class Refused(Exception):
    """A body is not what the method takes; becomes the answer and never reaches user code.

    Attributes:
        status: 400 for what is not of its media type, 422 for values of another form.
    """

    def __init__(self, status: int, detail: str, flaws: tuple[Flaw, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.flaws = flaws


class BadAnswer(Exception):
    """A method returned what its hint does not promise, or what is no JSON: our caller's 500."""


class Codec(Protocol):
    """How the values of one hint travel.

    Attributes:
        adapter: What describes the hint in JSON schema.
        decoders: What reads a body, by its media type; the first is the usual one.
        media_type: Of the answer, usually.
        encode: The body of an answer; raises BadAnswer if the value is not what the hint says, or
            cannot be JSON.
        others: What writes an answer as other media types, for requests that accept them.
        described: Schemas of the media types for which the adapter's is not the one.
    """

    adapter: TypeAdapter[Any]
    decoders: Mapping[str, Decode]
    media_type: str
    encode: Encode
    others: Mapping[str, Encode]
    described: Mapping[str, dict[str, Any]]
