"""`bytes` as a body: application/octet-stream as it is, both ways; knows no services."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from minibento.io.base import BadAnswer, Decode, Encode
from minibento.io.flaws import refusal, unlike_hint

__all__ = ["OCTETS", "BytesBody"]

OCTETS = "application/octet-stream"


class BytesBody:
    """A codec for `bytes`, or `Annotated[bytes, ...]` with limits such as a longest length."""

    media_type = OCTETS
    others: Mapping[str, Encode] = {}

    def __init__(self, hint: Any = bytes) -> None:
        self.adapter: TypeAdapter[Any] = TypeAdapter(hint, config=ConfigDict(strict=True))
        self.decoders: dict[str, Decode] = {OCTETS: self.decode}
        self.described = {OCTETS: self.adapter.json_schema()}

    def decode(self, body: bytes) -> bytes:
        """The body itself.

        Raises:
            Refused: 422, it is not as long as the hint says.
        """
        try:
            value: bytes = self.adapter.validate_python(body)
        except ValidationError as error:
            raise refusal(error, body) from None
        return value

    def encode(self, value: Any) -> bytes:
        """The answer as it is.

        Raises:
            BadAnswer: it is not bytes, or not as the hint says.
        """
        if not isinstance(value, bytes | bytearray | memoryview):
            raise BadAnswer(
                f"the answer should be bytes, got {type(value).__name__}: return bytes, or change "
                "the hint"
            )
        try:
            found: bytes = self.adapter.validate_python(bytes(value))
        except ValidationError as error:
            raise unlike_hint(error) from error
        return found
