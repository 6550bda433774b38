import tracemalloc
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from minibento.io.base import BadAnswer, Refused
from minibento.io.bytes_body import OCTETS
from minibento.io.table import codec

BYTES = codec(bytes, "test")
FEW = codec(Annotated[bytes, Field(max_length=3)], "test")


@given(st.binary())
def test_bytes_travel_as_they_are(data: bytes) -> None:
    assert BYTES.decoders[OCTETS](data) == data
    assert BYTES.encode(data) == data


def test_a_body_of_bytes_is_not_copied() -> None:
    body = bytes(1000)
    assert BYTES.decoders[OCTETS](body) is body


def test_the_hints_limits_hold() -> None:
    assert FEW.decoders[OCTETS](b"abc") == b"abc"
    with pytest.raises(Refused, match="at most 3 bytes") as caught:
        FEW.decoders[OCTETS](b"abcd")
    assert caught.value.status == 422
    with pytest.raises(BadAnswer, match="at most 3 bytes"):
        FEW.encode(b"abcd")


def test_a_long_refused_body_is_shown_in_short() -> None:
    body = bytes(10_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as caught:
            FEW.decoders[OCTETS](body)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [bytearray(b"ab"), memoryview(b"ab")])
def test_other_buffers_are_answered_too(value: Any) -> None:
    assert BYTES.encode(value) == b"ab"


@pytest.mark.parametrize("value", ["ab", None, [1]])
def test_what_is_no_bytes_is_a_bad_answer(value: Any) -> None:
    with pytest.raises(BadAnswer, match="return bytes"):
        BYTES.encode(value)


def test_bytes_come_and_go_as_octets_alone() -> None:
    assert list(BYTES.decoders) == [OCTETS] == [BYTES.media_type]
    assert BYTES.described == {OCTETS: {"type": "string", "format": "binary"}}
