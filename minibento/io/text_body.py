"""`str` as a body: JSON text, or the text itself as text/plain; knows no services."""

from minibento.io.base import Decode, Refused
from minibento.io.json_body import JSON, JsonBody

__all__ = ["TextBody"]


class TextBody(JsonBody):
    """A codec for `str`; answers are JSON."""

    def __init__(self, hint: object = str) -> None:
        super().__init__(hint)
        self.decoders: dict[str, Decode] = {JSON: self.decode, "text/plain": decode_text}


def decode_text(body: bytes) -> str:
    """The body as UTF-8 text.

    Raises:
        Refused: 400, it is not UTF-8.
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            400, f"the text is not UTF-8: byte 0x{body[error.start]:02x} at {error.start}"
        ) from None
