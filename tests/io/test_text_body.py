import pytest

from minibento.io.base import Refused
from minibento.io.table import codec

TEXT = codec(str, "test")


def test_text_comes_as_json_or_as_itself() -> None:
    assert TEXT.decoders["application/json"](b'"a \\u00e9"') == "a é"
    assert TEXT.decoders["text/plain"]("a é".encode()) == "a é"


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(Refused, match="0xff at 1") as caught:
        TEXT.decoders["text/plain"](b"a\xff")
    assert caught.value.status == 400


def test_the_answer_is_json() -> None:
    assert TEXT.media_type == "application/json"
    assert TEXT.encode("é") == '"é"'.encode()
