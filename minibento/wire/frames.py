"""Messages as bytes and back, on any split; knows no socket, no loop and no shared memory.

A frame is a fixed header, a table of the payload's buffers, a note, the payload's body and those
buffers that travel in the frame. What the fields hold, by kind:

    kind     number      first      second    note
    call     count, -1   deadline   -         method
    reply    batch size  queue s    compute s the errors of single items, msgpack
    failure  -           -          -         the error, msgpack
    credit   count       -          -         -
    item, end, cancel: none of them; a call, a reply and an item have a payload

A deadline of NaN is none. The table has each buffer's length and its place in the arena, or the
largest number for one that travels in the frame.
"""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from struct import Struct
from typing import Any

import msgspec

from minibento.errors import CannotCross, ProtocolError
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

__all__ = ["MOST_BYTES", "VERSION", "FrameReader", "FrameWriter"]

# One frame with all its buffers, those in the arena too.
MOST_BYTES = 2**30
VERSION = 1

Place = Callable[[memoryview | bytearray], int | None]
Take = Callable[[int, int], bytearray]
_Header = tuple[bytes, int, int, int, int, int, int, int, float, float]
_Table = Sequence[tuple[int, int]]
# Magic and version, kind, flags, lengths of note, body and table, id, number, first, second.
_HEADER = Struct("<4sBB2xIIIQqdd")
_PLACE = Struct("<QQ")
_MAGIC = b"mbw" + bytes([VERSION])
_KINDS = range(1, 8)
_CALL, _REPLY, _FAILURE, _ITEM, _END, _CANCEL, _CREDIT = _KINDS
_ALONE = 1
_IN_FRAME = 2**64 - 1
_NOTHING = Payload(b"", ())
_ENCODE = msgspec.msgpack.Encoder().encode
_ERRORS = msgspec.msgpack.Decoder(tuple[ErrorRecord, ...])
_ERROR = msgspec.msgpack.Decoder(ErrorRecord)
_SURROGATE = re.compile("[\ud800-\udfff]")


class FrameWriter:
    """Turns messages into the parts of frames.

    Args:
        place: Puts a buffer into the arena and says where; None: it travels in the frame.
        most: Bytes that a frame may have with all its buffers.
    """

    __slots__ = ("_most", "_place")

    def __init__(self, place: Place = lambda _: None, most: int = MOST_BYTES) -> None:
        self._place = place
        self._most = most

    def parts(self, message: Message) -> Sequence[bytes]:
        """One frame: three parts, and one more for each buffer that travels in it.

        Raises:
            CannotCross: it is larger than the other end would take.
        """
        id_ = message.id
        if isinstance(message, Call):
            return self._parts(
                _CALL,
                id_,
                message.method.encode(),
                message.payload,
                flags=_ALONE if message.alone else 0,
                number=-1 if message.count is None else message.count,
                first=math.nan if message.deadline is None else message.deadline,
            )
        if isinstance(message, Reply):
            return self._parts(
                _REPLY,
                id_,
                _noted(message.errors) if message.errors else b"",
                message.payload,
                number=message.batch_size,
                first=message.queue_seconds,
                second=message.compute_seconds,
            )
        if isinstance(message, Failure):
            return self._parts(_FAILURE, id_, _noted(message.error))
        if isinstance(message, Item):
            return self._parts(_ITEM, id_, b"", message.payload)
        if isinstance(message, Credit):
            return self._parts(_CREDIT, id_, number=message.count)
        return self._parts(_CANCEL if isinstance(message, Cancel) else _END, id_)

    def _parts(
        self,
        kind: int,
        id_: int,
        note: bytes = b"",
        payload: Payload = _NOTHING,
        *,
        flags: int = 0,
        number: int = 0,
        first: float = 0.0,
        second: float = 0.0,
    ) -> Sequence[bytes]:
        body, buffers = payload
        size = len(note) + len(body)
        if buffers:
            size += sum(map(len, buffers)) + len(buffers) * _PLACE.size
        if size > self._most:
            raise CannotCross(
                f"{size:,} bytes are too many for one call or answer: "
                f"at most {self._most:,} cross at once, split it"
            )
        header = _HEADER.pack(
            _MAGIC, kind, flags, len(note), len(body), len(buffers), id_, number, first, second
        )
        if not buffers:
            return header, note, body
        table, inside = self._table(buffers)
        return header + table, note, body, *inside

    def _table(self, buffers: Sequence[memoryview | bytearray]) -> tuple[bytes, Sequence[bytes]]:
        """Where the buffers are, and copies of those that travel in the frame."""
        table: list[bytes] = []
        inside: list[bytes] = []
        for buffer in buffers:
            place = self._place(buffer)
            if place is None:
                place = _IN_FRAME
                inside.append(bytes(buffer))
            table.append(_PLACE.pack(len(buffer), place))
        return b"".join(table), inside


class FrameReader:
    """Turns bytes, on whatever split they come, into messages.

    Args:
        take: Copies a buffer out of the arena: place, length. Raises ProtocolError for a place
            that is none.
        most: Bytes that a frame may have with all its buffers.
    """

    __slots__ = ("_most", "_needed", "_rest", "_take")

    def __init__(self, take: Take | None = None, most: int = MOST_BYTES) -> None:
        self._take = take or _no_arena
        self._most = most
        self._rest = bytearray()
        self._needed = 0

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with `data`; to be exhausted.

        Raises:
            ProtocolError: it is no frame of ours. The reader is of no use any more.
        """
        whole: bytes | bytearray = data
        if self._rest:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            whole, self._rest = self._rest, bytearray()
        at, end = 0, len(whole)
        while end - at >= _HEADER.size:
            header = _HEADER.unpack_from(whole, at)
            table = self._checked(header, whole, at)
            if end - at < self._needed:
                break
            yield self._message(header, table, whole, at)
            at += self._needed
        else:
            self._needed = _HEADER.size
        if at < end:
            self._rest += memoryview(whole)[at:]

    def eof(self) -> None:
        """Nothing more comes. Raises ProtocolError in mid-frame."""
        if self._rest:
            raise ProtocolError(
                f"the other end left in mid-frame: {len(self._rest)} of {self._needed} bytes came"
            )

    def _checked(self, header: _Header, data: bytes | bytearray, at: int) -> _Table:
        """The table of buffers, if it has come; sets how many bytes are needed to go on."""
        magic, kind, flags, note, body, count, _, number, _, _ = header
        if magic != _MAGIC:
            raise ProtocolError(f"a frame begins with {_MAGIC!r}, not {bytes(magic)!r}")
        if kind not in _KINDS or flags > (kind == _CALL) or number < -(kind == _CALL):
            raise ProtocolError(f"there is no frame of kind {kind}, flags {flags}, number {number}")
        size = note + body
        self._needed = _HEADER.size + size
        if not count:
            self._refuse_large(size)
            return ()
        return self._table(count, size, data, at + _HEADER.size)

    def _table(self, count: int, size: int, data: bytes | bytearray, start: int) -> _Table:
        rows = count * _PLACE.size
        self._refuse_large(size + rows)
        if len(data) < start + rows:
            self._needed = _HEADER.size + rows
            return ()
        table = list(_PLACE.iter_unpack(memoryview(data)[start : start + rows]))
        self._refuse_large(size + rows + sum(length for length, _ in table))
        inside = sum(length for length, place in table if place == _IN_FRAME)
        self._needed += rows + inside
        return table

    def _refuse_large(self, size: int) -> None:
        if size > self._most:
            raise ProtocolError(f"a frame of {size:,} bytes: at most {self._most:,} are taken")

    def _message(self, header: _Header, table: _Table, data: bytes | bytearray, at: int) -> Message:
        _, kind, flags, note_size, body_size, count, id_, number, first, second = header
        start = at + _HEADER.size + count * _PLACE.size
        middle = start + note_size
        end = middle + body_size
        note = bytes(data[start:middle])
        payload = Payload(bytes(data[middle:end]), self._buffers(table, data, end) if table else ())
        try:
            if kind == _CALL:
                deadline = None if math.isnan(first) else first
                many = None if number < 0 else number
                return Call(id_, note.decode(), payload, deadline, many, flags == _ALONE)
            if kind == _REPLY:
                errors = _ERRORS.decode(note) if note else ()
                return Reply(id_, payload, number, first, second, errors)
            if kind == _ITEM:
                return Item(id_, payload)
            if kind == _FAILURE:
                return Failure(id_, _ERROR.decode(note))
        except (UnicodeDecodeError, msgspec.DecodeError) as error:
            raise ProtocolError(f"the note of a frame of kind {kind} is garbage: {error}") from None
        if kind == _CREDIT:
            return Credit(id_, number)
        return End(id_) if kind == _END else Cancel(id_)

    def _buffers(self, table: _Table, data: bytes | bytearray, at: int) -> Sequence[bytearray]:
        """Copies of the buffers that nobody else holds: the model may write into them."""
        view = memoryview(data)
        buffers: list[bytearray] = []
        for length, place in table:
            if place == _IN_FRAME:
                buffers.append(bytearray(view[at : at + length]))
                at += length
            else:
                buffers.append(self._take(place, length))
        return buffers


def _no_arena(place: int, length: int) -> bytearray:
    raise ProtocolError(f"there is no arena to take {length:,} bytes at {place} from")


def _noted(errors: ErrorRecord | Sequence[ErrorRecord]) -> bytes:
    try:
        return _ENCODE(errors)
    except UnicodeEncodeError:  # a lone surrogate, as in the text of a user's exception
        if isinstance(errors, ErrorRecord):
            return _ENCODE(_printable(errors))
        return _ENCODE([_printable(error) for error in errors])


def _printable(error: ErrorRecord) -> dict[str, Any]:
    return {
        name: _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value
        for name, value in asdict(error).items()
    }
