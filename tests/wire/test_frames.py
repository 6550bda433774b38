"""Messages to bytes and back: on every split, and never anything else out of garbage."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minibento.errors import CannotCross, ProtocolError
from minibento.wire.frames import FrameReader, FrameWriter
from minibento.wire.messages import (
    Call,
    Cancel,
    Credit,
    End,
    ErrorRecord,
    Failure,
    Item,
    Message,
    Reply,
)
from minibento.wire.payload import Payload

IDS = st.integers(0, 2**64 - 1)
COUNTS = st.integers(0, 2**63 - 1)
SECONDS = st.floats(0, 1e9)
TEXTS = st.text(max_size=20)
PAYLOADS = st.builds(
    Payload, st.binary(max_size=60), st.lists(st.binary(min_size=1).map(bytearray), max_size=3)
)
ERRORS = st.builds(
    ErrorRecord,
    TEXTS,
    TEXTS,
    st.integers(400, 599),
    st.none() | TEXTS,
    TEXTS,
    st.none() | COUNTS,
    COUNTS,
    st.none() | TEXTS,
    st.none() | TEXTS,
)
MESSAGES: st.SearchStrategy[Message] = st.one_of(
    st.builds(Call, IDS, TEXTS, PAYLOADS, st.none() | SECONDS, st.none() | COUNTS, st.booleans()),
    st.builds(
        Reply, IDS, PAYLOADS, COUNTS, SECONDS, SECONDS, st.lists(ERRORS, max_size=3).map(tuple)
    ),
    st.builds(Failure, IDS, ERRORS),
    st.builds(Item, IDS, PAYLOADS),
    st.builds(End, IDS),
    st.builds(Cancel, IDS),
    st.builds(Credit, IDS, COUNTS),
)


@dataclass
class Shelf:
    """Stands in for an arena: places are 1, 2, 3, ..."""

    buffers: list[bytearray] = field(default_factory=list)

    def put(self, buffer: memoryview | bytearray) -> int:
        self.buffers.append(bytearray(buffer))
        return len(self.buffers)

    def take(self, place: int, length: int) -> bytearray:
        found = self.buffers[place - 1]
        assert len(found) == length
        return found


def written(messages: Sequence[Message], writer: FrameWriter | None = None) -> bytes:
    writer = writer or FrameWriter()
    return b"".join(part for message in messages for part in writer.parts(message))


def read(pieces: Sequence[bytes], reader: FrameReader | None = None) -> list[Message]:
    reader = reader or FrameReader()
    messages = [message for piece in pieces for message in reader.feed(piece)]
    reader.eof()
    return messages


def plain(messages: Sequence[Message]) -> list[Message]:
    """For comparison: what has arrived holds its buffers in a list."""
    for message in messages:
        if isinstance(message, Call | Reply | Item):
            message.payload = Payload(message.payload.body, list(message.payload.buffers))
    return list(messages)


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    for start, end in pairwise(edges):
        yield data[start:end]


@given(st.lists(MESSAGES, max_size=5), st.lists(st.integers(0, 10_000), max_size=12))
def test_what_is_written_is_read_on_any_split(messages: list[Message], places: list[int]) -> None:
    data = written(messages)
    assert plain(read(list(cut(data, places)))) == plain(messages)


def test_what_is_written_is_read_on_every_split_in_two_and_byte_by_byte() -> None:
    messages: list[Message] = [
        Call(1, "predict", Payload(b"body", [bytearray(b"one"), bytearray(b"three")]), 5.0, 2),
        Reply(1, Payload(b"answer", ()), 3, 0.5, 0.25, (ErrorRecord("ItemError", "bad", index=1),)),
        Cancel(2),
        Call(3, "größe", Payload(b"", ()), None, None, alone=True),
    ]
    data = written(messages)
    expected = plain(messages)
    for place in range(len(data) + 1):
        assert plain(read([data[:place], data[place:]])) == expected
    assert plain(read([bytes([byte]) for byte in data])) == expected


@given(st.lists(MESSAGES, max_size=3), st.lists(st.integers(0, 10_000), max_size=5))
def test_buffers_in_an_arena_come_out_of_it(messages: list[Message], places: list[int]) -> None:
    shelf = Shelf()
    data = written(messages, FrameWriter(shelf.put))
    assert plain(read(list(cut(data, places)), FrameReader(shelf.take))) == plain(messages)


@given(st.binary(max_size=300), st.lists(st.integers(0, 10_000), max_size=5))
def test_garbage_is_a_protocol_error_or_the_beginning_of_a_frame(
    garbage: bytes, places: list[int]
) -> None:
    with pytest.raises(ProtocolError):
        read([*cut(garbage or b"\0", places)])


@settings(max_examples=500)
@given(
    st.lists(MESSAGES, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(1, 255)), min_size=1, max_size=4),
)
def test_flipped_bits_are_other_messages_or_a_protocol_error(
    messages: list[Message], flips: list[tuple[int, int]]
) -> None:
    data = bytearray(written(messages))
    for place, bits in flips:
        data[place % len(data)] ^= bits
    try:
        found = read([bytes(data)])
    except ProtocolError:
        return
    assert len(found) >= 1


def test_messages_before_garbage_are_read() -> None:
    reader = FrameReader()
    stream = reader.feed(written([Cancel(1), Cancel(2)]) + b"garbage" * 20)
    assert [next(stream), next(stream)] == [Cancel(1), Cancel(2)]
    with pytest.raises(ProtocolError, match="begins with"):
        next(stream)


@pytest.mark.parametrize("left", range(1, 60))
def test_an_end_in_mid_frame_is_a_protocol_error(left: int) -> None:
    data = written([Cancel(1), Call(2, "predict", Payload(b"body", ()))])
    with pytest.raises(ProtocolError, match="left in mid-frame"):
        read([data[:-left]])


def corrupted(message: Message, offset: int, value: bytes) -> bytes:
    data = bytearray(written([message]))
    data[offset : offset + len(value)] = value
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (corrupted(Cancel(1), 0, b"GET "), "begins with"),
        (corrupted(Cancel(1), 3, b"\x09"), "begins with"),
        (corrupted(Cancel(1), 4, b"\x00"), "no frame of kind 0"),
        (corrupted(Cancel(1), 4, b"\x08"), "no frame of kind 8"),
        (corrupted(Cancel(1), 5, b"\x01"), "flags 1"),
        (corrupted(Credit(1, 1), 28, b"\xff" * 8), "number -1"),
        (corrupted(Cancel(1), 12, b"\xff" * 4), "at most 1,073,741,824"),
        (corrupted(Cancel(1), 16, b"\xff" * 4), "at most 1,073,741,824"),
        (corrupted(Call(1, "ab", Payload(b"", ())), 52, b"\xff\xff"), "garbage"),
        (corrupted(Failure(1, ErrorRecord("X", "y")), 52, b"\xc1"), "garbage"),
    ],
)
def test_an_impossible_header_is_refused_at_once(data: bytes, said: str) -> None:
    with pytest.raises(ProtocolError, match=said):
        list(FrameReader().feed(data))


def test_an_absurd_length_in_the_table_is_refused_before_it_is_waited_for() -> None:
    call = Call(1, "predict", Payload(b"", [bytearray(b"12345678")]))
    data = corrupted(call, 52, (2**63).to_bytes(8, "little"))
    with pytest.raises(ProtocolError, match="at most"):
        list(FrameReader().feed(data[:68]))


def test_a_place_in_an_arena_is_refused_where_there_is_none() -> None:
    data = written([Item(1, Payload(b"", [bytearray(b"1")]))], FrameWriter(Shelf().put))
    with pytest.raises(ProtocolError, match="no arena"):
        list(FrameReader().feed(data))


def test_the_limit_counts_body_and_buffers_on_both_ends() -> None:
    fits = Call(1, "m", Payload(b"12345", [bytearray(78)]))
    large = Call(1, "m", Payload(b"12345", [bytearray(79)]))
    strict = FrameWriter(most=100)
    assert read([written([fits], strict)], FrameReader(most=100)) == [fits]
    with pytest.raises(CannotCross, match="101 bytes are too many"):
        strict.parts(large)
    with pytest.raises(ProtocolError, match="101 bytes: at most 100"):
        list(FrameReader(most=100).feed(written([large])))


def test_a_message_that_is_too_large_leaves_nothing_in_the_arena() -> None:
    shelf = Shelf()
    with pytest.raises(CannotCross):
        FrameWriter(shelf.put, most=10).parts(Item(1, Payload(b"", [bytearray(20)])))
    assert not shelf.buffers


def test_buffers_are_copied_when_written_and_writable_when_read() -> None:
    sent = bytearray(b"sent")
    parts = FrameWriter().parts(Item(1, Payload(b"", [sent])))
    sent[:] = b"gone"
    [item] = read([b"".join(parts)])
    assert isinstance(item, Item)
    assert item.payload.buffers == [bytearray(b"sent")]


def test_an_error_text_with_a_lone_surrogate_crosses_with_a_replacement() -> None:
    error = ErrorRecord("ModelError", "bad \ud800", traceback="\udfff")
    whole, single = read(
        [written([Failure(1, error), Reply(2, Payload(b"", ()), errors=(error,))])]
    )
    assert isinstance(whole, Failure)
    assert isinstance(single, Reply)
    assert whole.error == single.errors[0]
    assert (whole.error.detail, whole.error.traceback) == ("bad \ufffd", "\ufffd")
