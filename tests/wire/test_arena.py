"""Large buffers through shared memory: copied, bounded, given back; a liar harms only itself."""

import os
from mmap import PAGESIZE, mmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.errors import ProtocolError
from minibento.wire.arena import LEAST_BYTES, ArenaReader, ArenaWriter
from minibento.wire.shared_memory import create

ROOM = 8 * LEAST_BYTES


def arena(room: int = ROOM) -> tuple[ArenaWriter, ArenaReader]:
    """Both ends of one arena, mapped twice."""
    descriptor = create("test", PAGESIZE + room)
    try:
        return ArenaWriter(mmap(descriptor, 0)), ArenaReader(mmap(descriptor, 0))
    finally:
        os.close(descriptor)


def put(writer: ArenaWriter, buffer: bytes | bytearray) -> int:
    place = writer.put(bytearray(buffer))
    assert place is not None
    return place


def test_what_is_put_is_taken_as_a_copy() -> None:
    writer, reader = arena()
    sent = bytearray(b"x" * LEAST_BYTES)
    place = put(writer, sent)
    taken = reader.take(place, len(sent))
    assert taken == sent
    put(writer, b"y" * LEAST_BYTES)
    assert taken == sent


def test_small_buffers_and_those_larger_than_the_arena_are_not_put() -> None:
    writer, _ = arena()
    assert writer.put(bytearray(LEAST_BYTES - 1)) is None
    assert writer.put(bytearray(ROOM + 1)) is None
    assert writer.put(bytearray(ROOM)) == 0


def test_a_full_arena_takes_no_more_until_the_reader_has_taken() -> None:
    writer, reader = arena()
    places = [put(writer, bytearray(LEAST_BYTES)) for _ in range(8)]
    assert writer.put(bytearray(LEAST_BYTES)) is None
    reader.take(places[0], LEAST_BYTES)
    assert writer.put(bytearray(LEAST_BYTES + 1)) is None
    assert writer.put(bytearray(LEAST_BYTES)) == places[0]


def test_a_buffer_taken_and_one_put_in_turn_use_the_same_place() -> None:
    writer, reader = arena()
    put(writer, bytearray(LEAST_BYTES))
    for _ in range(100):
        second = put(writer, bytearray(LEAST_BYTES))
        assert second <= LEAST_BYTES
        reader.take(0, LEAST_BYTES)


@given(st.lists(st.one_of(st.none(), st.integers(LEAST_BYTES, 4 * LEAST_BYTES)), max_size=60))
def test_no_buffer_is_written_over_before_it_is_taken(steps: list[int | None]) -> None:
    """A number puts a buffer of that size; None takes the oldest."""
    writer, reader = arena()
    sent: list[tuple[int, bytes]] = []
    for number, size in enumerate(steps):
        if size is None and sent:
            place, expected = sent.pop(0)
            assert reader.take(place, len(expected)) == expected
        elif size is not None:
            buffer = bytes([number]) * size
            found = writer.put(bytearray(buffer))
            if found is not None:
                sent.append((found, buffer))
    for place, expected in sent:
        assert reader.take(place, len(expected)) == expected
    assert writer.put(bytearray(ROOM)) == 0
    writer.close()
    reader.close()


@pytest.mark.parametrize(
    ("place", "size"), [(0, ROOM + 1), (ROOM, 1), (1, ROOM), (2**64 - 2, 1), (2**64 - 2, 2**64 - 1)]
)
def test_a_place_outside_is_refused(place: int, size: int) -> None:
    _, reader = arena()
    with pytest.raises(ProtocolError, match="not in an arena of"):
        reader.take(place, size)


def test_a_reader_that_claims_too_much_only_loses_what_is_its_own() -> None:
    writer, reader = arena()
    reader._words[0] = 2**64 - 1
    for _ in range(20):
        assert put(writer, bytearray(LEAST_BYTES)) == 0


def test_only_what_was_written_to_takes_memory() -> None:
    descriptor = create("test", PAGESIZE + 2**26)
    try:
        writer, reader = ArenaWriter(mmap(descriptor, 0)), ArenaReader(mmap(descriptor, 0))
        assert os.fstat(descriptor).st_blocks == 0
        for _ in range(100):
            reader.take(put(writer, bytearray(2**20)), 2**20)
        assert os.fstat(descriptor).st_blocks * 512 <= 2**20 + 2 * PAGESIZE
        writer.close()
        reader.close()
    finally:
        os.close(descriptor)


def test_an_arena_may_be_closed_twice() -> None:
    for end in arena():
        end.close()
        end.close()
