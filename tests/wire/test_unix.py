"""Connections between processes: in one process, across a real one, and with hostile ends."""

import asyncio
import gc
import os
import socket
import subprocess
import sys
import weakref
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from mmap import PAGESIZE
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvloop

from minibento.errors import CannotCross, ProtocolError, UsageError
from minibento.wire import frames, unix, visitor
from minibento.wire.handshake import HELLO, offer
from minibento.wire.ledger import LEDGER_BYTES, Computing
from minibento.wire.listening import listening
from minibento.wire.messages import Call, Cancel, Failure, Item, Message, Reply
from minibento.wire.payload import Payload
from minibento.wire.shared_memory import create
from minibento.wire.unix import Listener, UnixChannel, connect
from minibento.wire.values import decode, encode

SECONDS = 20
ROOT = Path(__file__).parents[2]
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine on either loop, with a time limit."""
    start = asyncio.run if request.param == "asyncio" else uvloop.run

    async def limited(body: Coroutine[Any, Any, None]) -> None:
        async with asyncio.timeout(SECONDS):
            await body

    return lambda body: start(limited(body))


@pytest.fixture
def without_collector() -> Iterator[None]:
    """Only what nobody holds goes."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "socket"


@dataclass
class End:
    """A channel and what arrives at it."""

    channel: UnixChannel
    arrived: asyncio.Queue[Message] = field(default_factory=asyncio.Queue)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    losses: int = 0

    def __post_init__(self) -> None:
        self.channel.receive(self.arrived.put_nowait)
        self.channel.lost(self._lost)

    def _lost(self) -> None:
        self.losses += 1
        self.gone.set()


@dataclass
class Worker:
    """A listening end and those that it has accepted."""

    listener: Listener
    accepted: asyncio.Queue[End]


@asynccontextmanager
async def worker_at(path: Path) -> AsyncIterator[Worker]:
    ends: asyncio.Queue[End] = asyncio.Queue()
    made: list[UnixChannel] = []

    def accepted(channel: UnixChannel) -> None:
        made.append(channel)
        ends.put_nowait(End(channel))

    listener = Listener(listening(path), accepted)
    listener.start()
    try:
        yield Worker(listener, ends)
    finally:
        listener.close()
        for channel in made:
            channel.close()
        await settled()


@asynccontextmanager
async def connected(path: Path) -> AsyncIterator[tuple[End, End]]:
    """The caller's end and the worker's."""
    async with worker_at(path) as worker:
        caller = End(await connect(path))
        try:
            yield caller, await worker.accepted.get()
        finally:
            caller.channel.close()


async def settled() -> None:
    """Let transports that were closed tell so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - the state of a socket that has no event
        await asyncio.sleep(0)


async def raw_worker(listener: socket.socket, answer: bytes = HELLO) -> socket.socket:
    """The worker's end as a bare socket that has said hello."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    made, _ = await loop.sock_accept(listener)
    heard = await loop.sock_recv(made, len(HELLO))  # the descriptors are dropped
    assert heard == HELLO
    await loop.sock_sendall(made, answer)
    return made


@contextmanager
def raw_caller(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as made:
        made.connect(os.fspath(path))
        made.setblocking(False)
        yield made


async def closed_by_the_other_end(made: socket.socket) -> bool:
    try:
        return await asyncio.get_running_loop().sock_recv(made, 100) == b""
    except ConnectionResetError:
        return True


def open_descriptors() -> int:
    gc.collect()
    return len([*Path("/proc/self/fd").iterdir()])


def mappings() -> int:
    gc.collect()
    return Path("/proc/self/maps").read_text("ascii").count("memfd:minibento-")


def call(number: int, value: object = None) -> Call:
    return Call(number, "predict", encode(value))


# Two ends in one process.


def test_messages_cross_in_order_both_ways(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            sent = [Call(number, "predict", Payload(b"body", ())) for number in range(200)]
            for message in sent:
                caller.channel.send(message)
            assert [await worker.arrived.get() for _ in sent] == sent
            worker.channel.send(Reply(1, Payload(b"", ()), 7, 0.5, 0.25))
            assert await caller.arrived.get() == Reply(1, Payload(b"", ()), 7, 0.5, 0.25)

    run(body())


@pytest.mark.parametrize("size", [1, 4095, 4096, 2**16, 2**20, 70 * 2**20])
def test_arrays_of_any_size_cross_and_are_the_receivers_own(
    run: Run, path: Path, size: int
) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            array = np.arange(size, dtype=np.uint8)
            caller.channel.send(call(1, array))
            array[0] = 99
            message = await worker.arrived.get()
            assert isinstance(message, Call)
            received = decode(*message.payload)
            received[0] += 1
            array[0] = 1
            assert np.array_equal(received, array)

    run(body())


def test_more_arrays_than_the_arena_holds_cross_unharmed(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            for number in range(100):
                caller.channel.send(call(number, np.full(2**20, number, dtype=np.uint8)))
            for number in range(100):
                message = await worker.arrived.get()
                assert isinstance(message, Call)
                assert (decode(*message.payload) == number).all()

    run(body())


def test_what_arrives_before_there_is_a_receiver_waits_for_it(run: Run, path: Path) -> None:
    async def body() -> None:
        channels: asyncio.Queue[UnixChannel] = asyncio.Queue()
        listener = Listener(listening(path), channels.put_nowait)
        listener.start()
        caller, worker = await connect(path), await channels.get()
        caller.send(Cancel(1))
        caller.send(Cancel(2))
        await until(lambda: len(worker._early) == 2)
        arrived: list[Message] = []
        worker.receive(arrived.append)
        assert arrived == [Cancel(1), Cancel(2)]
        for end in (caller, worker, listener):
            end.close()
        await settled()

    run(body())


def test_messages_of_one_turn_leave_in_one_write(run: Run, path: Path) -> None:
    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            with await raw_worker(listener) as worker:
                caller = await connecting
                for number in range(10):
                    caller.send(Cancel(number))
                data = await asyncio.get_running_loop().sock_recv(worker, 10_000)
                assert list(frames.FrameReader().feed(data)) == [Cancel(n) for n in range(10)]
                caller.close()
                await settled()

    run(body())


def test_of_very_many_messages_the_first_leave_before_the_turn_is_over(
    run: Run, path: Path
) -> None:
    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            with await raw_worker(listener) as worker:
                caller = await connecting
                for number in range(30):
                    caller.send(Cancel(number))
                reader = frames.FrameReader()
                early = list(reader.feed(worker.recv(10_000)))
                assert early == [Cancel(number) for number in range(24)]
                rest = await asyncio.get_running_loop().sock_recv(worker, 10_000)
                assert list(reader.feed(rest)) == [Cancel(number) for number in range(24, 30)]
                caller.close()
                await settled()

    run(body())


def test_a_close_is_a_loss_at_the_other_end_once_and_none_at_ones_own(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            caller.channel.send(Cancel(1))
            caller.channel.close()
            await worker.gone.wait()
            assert await worker.arrived.get() == Cancel(1)
            worker.channel.send(Cancel(2))
            worker.channel.close()
            await settled()
            assert (caller.losses, worker.losses) == (0, 1)

    run(body())


def test_a_loss_is_told_to_who_asks_afterwards(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            worker.channel.close()
            await caller.gone.wait()
            again = asyncio.Event()
            caller.channel.lost(again.set)
            await again.wait()

    run(body())


def test_nothing_arrives_after_a_close_in_a_receiver(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            arrived: list[Message] = []

            def receiver(message: Message) -> None:
                arrived.append(message)
                worker.channel.close()

            worker.channel.receive(receiver)
            caller.channel.send(Cancel(1))
            caller.channel.send(Cancel(2))
            await caller.gone.wait()
            assert arrived == [Cancel(1)]

    run(body())


def test_the_caller_reads_the_workers_ledger_after_a_loss_and_a_close(run: Run, path: Path) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            worker.channel.ledger.begin([1, 2], 9)
            worker.channel.close()
            await caller.gone.wait()
            assert caller.channel.ledger.computing() == Computing(frozenset({1, 2}), 9)
            caller.channel.close()
            assert caller.channel.ledger.computing() == Computing(frozenset({1, 2}), 9)

    run(body())


def test_descriptors_and_memory_are_gone_when_both_ends_have_closed(run: Run, path: Path) -> None:
    async def body() -> None:
        async with worker_at(path):
            before = open_descriptors(), mappings()
            for _ in range(3):
                caller = await connect(path)
                caller.send(call(1, np.zeros(2**20)))
                assert mappings() > before[1]
                caller.close()
            del caller
        await settled()
        assert mappings() == 0
        assert open_descriptors() <= before[0]

    run(body())


class Holding:
    """Holds a channel and receives what arrives there, as the caller's lane does."""

    def __init__(self, channel: UnixChannel) -> None:
        self.channel = channel
        self.gone = asyncio.Event()
        channel.receive(self.received)
        channel.lost(self.gone.set)

    def received(self, message: Message) -> None:
        raise AssertionError(message)


@pytest.mark.parametrize("whose", ["caller", "worker"])
def test_a_channel_that_is_over_needs_no_garbage_collector(
    run: Run, path: Path, whose: str, without_collector: None
) -> None:
    """Its ledger is mapped and open until it has gone."""

    async def body() -> None:
        accepted: list[UnixChannel] = []
        with listening(path) as made:
            listener = Listener(made, accepted.append)
            listener.start()
            holding = Holding(await connect(path))
            await until(lambda: bool(accepted))
            ledger = weakref.ref(holding.channel.ledger)
            if whose == "caller":
                holding.channel.close()
                del holding
            else:
                accepted.pop().close()
                await holding.gone.wait()
                del holding
            await settled()
            assert ledger() is None
            listener.close()

    run(body())


def test_a_channel_that_was_lost_before_anybody_received_needs_none_either(
    run: Run, path: Path, without_collector: None
) -> None:
    async def body() -> None:
        async with worker_at(path) as worker:
            channel = await connect(path)
            lost = asyncio.Event()
            channel.lost(lost.set)
            (await worker.accepted.get()).channel.close()
            await lost.wait()
            holding = Holding(channel)
            await holding.gone.wait()
            gone = weakref.ref(channel)
            del channel, holding
            await settled()
            assert gone() is None

    run(body())


def test_a_call_that_is_too_large_is_refused_and_such_an_answer_fails(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            monkeypatch.setattr(caller.channel._frames, "_most", 1000)
            monkeypatch.setattr(worker.channel._frames, "_most", 1000)
            with pytest.raises(CannotCross, match="at most 1,000 cross at once"):
                caller.channel.send(call(1, b"x" * 2000))
            worker.channel.send(Reply(2, Payload(b"x" * 2000, ())))
            worker.channel.send(Item(3, Payload(b"x" * 2000, ())))
            for number in (2, 3):
                failure = await caller.arrived.get()
                assert isinstance(failure, Failure)
                assert (failure.id, failure.error.kind) == (number, "CannotCross")

    run(body())


# Connecting.


def test_a_caller_waits_until_a_worker_accepts(run: Run, path: Path) -> None:
    async def body() -> None:
        made = listening(path)
        connecting = asyncio.ensure_future(connect(path))
        await settled()
        ends: asyncio.Queue[UnixChannel] = asyncio.Queue()
        listener = Listener(made, ends.put_nowait)
        listener.start()
        for channel in (await connecting, await ends.get()):
            channel.close()
        listener.close()
        await settled()

    run(body())


def test_connecting_may_be_given_up_and_leaves_nothing_open(run: Run, path: Path) -> None:
    async def body() -> None:
        with listening(path):
            before = open_descriptors()
            connecting = asyncio.ensure_future(connect(path))
            await settled()
            connecting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await connecting
            del connecting
            await settled()
            assert (open_descriptors(), mappings()) == (before, 0)

    run(body())


def test_where_nobody_listens_connecting_fails(run: Run, path: Path) -> None:
    async def body() -> None:
        with pytest.raises(FileNotFoundError):
            await connect(path)
        listening(path).close()
        with pytest.raises(ConnectionRefusedError):
            await connect(path)

    run(body())


def test_where_too_many_wait_connecting_fails_at_once(run: Run, path: Path) -> None:
    async def body() -> None:
        with listening(path) as made:
            made.listen(0)
            with raw_caller(path), pytest.raises(BlockingIOError):
                await connect(path)

    run(body())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad", HELLO[:-2] + b"\x09\x00"])
def test_an_answer_that_is_no_hello_of_this_version_is_a_protocol_error(
    run: Run, path: Path, answer: bytes
) -> None:
    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            refused = pytest.raises(ProtocolError, match="a connection begins with")
            with await raw_worker(listener, answer), refused:
                await connecting

    run(body())


def test_a_worker_that_leaves_without_a_hello_is_a_reset(run: Run, path: Path) -> None:
    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            (await raw_worker(listener, HELLO[:4])).close()
            with pytest.raises(ConnectionResetError):
                await connecting

    run(body())


def test_the_socket_is_for_its_user_alone(path: Path) -> None:
    with listening(path):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_path_that_is_too_long_for_a_socket_is_refused_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a socket's path may have 107: set MINIBENTO_RUN_DIR"):
        listening(tmp_path / ("x" * 107))


def test_a_listener_that_closes_leaves_the_channels_and_the_socket_of_others(
    run: Run, path: Path
) -> None:
    async def body() -> None:
        with listening(path) as made:
            ends: asyncio.Queue[End] = asyncio.Queue()
            listener = Listener(made.dup(), lambda channel: ends.put_nowait(End(channel)))
            listener.start()
            caller = await connect(path)
            worker = await ends.get()
            listener.close()
            caller.send(Cancel(1))
            assert await worker.arrived.get() == Cancel(1)
            with raw_caller(path):
                made.accept()[0].close()
            caller.close()
            worker.channel.close()
            await settled()

    run(body())


# Hostile ends: that connection is closed with one line in the log, and others are served.


def memory(size: int) -> int:
    return create("test", size)


def unsealed(size: int) -> int:
    descriptor = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    return descriptor


ARENA = 4 * PAGESIZE
HOSTILE: dict[str, tuple[bytes, list[tuple[Callable[[int], int], int]], str]] = {
    "http": (b"GET / HTTP/1.1\r\n\r\n", [], "a connection begins with"),
    "pickle": (b"\x80\x05\x95cos\nsystem\n", [], "a connection begins with"),
    "version": (HELLO[:-2] + b"\x02\x00", [], "a connection begins with"),
    "no descriptors": (HELLO, [], "0 descriptors came"),
    "too few descriptors": (HELLO, [(memory, ARENA)], "1 descriptors came"),
    "too many descriptors": (HELLO, [(memory, ARENA)] * 5, "more than 3 descriptors"),
    "unsealed": (
        HELLO,
        [(unsealed, ARENA), (memory, ARENA), (memory, LEDGER_BYTES)],
        "seals 0x0",
    ),
    "small": (HELLO, [(memory, 1), (memory, ARENA), (memory, LEDGER_BYTES)], "of 1 bytes"),
    "large": (HELLO, [(memory, ARENA), (memory, 2**40), (memory, LEDGER_BYTES)], "bytes came"),
    "ledger": (HELLO, [(memory, ARENA), (memory, ARENA), (memory, ARENA)], "bytes came"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_caller_with_an_unfit_hello_is_sent_away_with_one_line(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    said, memories, why = HOSTILE[kind]

    async def body() -> None:
        async with connected(path) as (caller, worker):
            before = open_descriptors()
            with raw_caller(path) as hostile:
                passed = [make(size) for make, size in memories]
                socket.send_fds(hostile, [said], passed)
                for descriptor in passed:
                    os.close(descriptor)
                assert await closed_by_the_other_end(hostile)
            assert open_descriptors() == before
            caller.channel.send(Cancel(1))
            assert await worker.arrived.get() == Cancel(1)

    run(body())
    [record] = caplog.records
    assert record.levelname == "WARNING"
    assert why in record.getMessage()


def test_half_a_hello_and_an_end_is_one_line(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with worker_at(path):
            with raw_caller(path) as hostile:
                hostile.send(HELLO[:5])
                hostile.shutdown(socket.SHUT_WR)
                assert await closed_by_the_other_end(hostile)

    run(body())
    [record] = caplog.records
    assert "half a hello" in record.getMessage()


def test_a_hello_in_pieces_is_a_hello(run: Run, path: Path) -> None:
    async def body() -> None:
        async with worker_at(path) as worker:
            with raw_caller(path) as caller:
                passed = [create("test", size) for size in (ARENA, ARENA, LEDGER_BYTES)]
                socket.send_fds(caller, [HELLO[:3]], passed)
                for descriptor in passed:
                    os.close(descriptor)
                await until(lambda: bool(worker.listener._visitors))
                await settled()
                caller.send(HELLO[3:])
                await worker.accepted.get()
                assert await asyncio.get_running_loop().sock_recv(caller, 100) == HELLO

    run(body())


def test_a_caller_that_leaves_without_a_word_is_no_event(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def body() -> None:
        async with connected(path) as (caller, worker):
            with raw_caller(path):
                pass
            with raw_caller(path) as made:
                offer(made).close()  # a whole hello, given up before the answer
            caller.channel.send(Cancel(1))
            assert await worker.arrived.get() == Cancel(1)

    run(body())
    assert not caplog.records


def test_a_silent_caller_is_sent_away_in_time(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor, "_HELLO_SECONDS", 0.01)

    async def body() -> None:
        async with worker_at(path):
            with raw_caller(path) as silent:
                assert await closed_by_the_other_end(silent)

    run(body())
    [record] = caplog.records
    assert "has not said hello within 0.01 s" in record.getMessage()


def test_silent_callers_keep_nobody_out_the_oldest_of_many_has_to_go(run: Run, path: Path) -> None:
    async def body() -> None:
        async with worker_at(path) as worker:
            silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
            for made in silent:
                made.connect(os.fspath(path))
                made.setblocking(False)
            for oldest in silent[:4]:
                assert await closed_by_the_other_end(oldest)
            assert len(worker.listener._visitors) == 16
            (await connect(path)).close()
            for made in silent:
                made.close()

    run(body())


def test_a_flood_of_silent_callers_does_not_cost_a_caller_its_hello(run: Run, path: Path) -> None:
    async def body() -> None:
        async with worker_at(path):
            silent = []
            for _ in range(4):
                connecting = asyncio.ensure_future(connect(path))
                await asyncio.sleep(0)  # it has said hello, and nobody has read that
                for _ in range(30):
                    silent.append(socket.socket(socket.AF_UNIX))
                    silent[-1].connect(os.fspath(path))
                (await connecting).close()
            for made in silent:
                made.close()

    run(body())


def test_a_listener_out_of_descriptors_tries_again(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_PAUSE_SECONDS", 0.01)

    class Exhausted:
        def __init__(self, made: socket.socket) -> None:
            self._made = made
            self._failures = 1

        def accept(self) -> tuple[socket.socket, Any]:
            if self._failures:
                self._failures -= 1
                raise OSError(24, "Too many open files")
            return self._made.accept()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._made, name)

    async def body() -> None:
        async with worker_at(path) as worker:
            worker.listener._socket = Exhausted(worker.listener._socket)  # type: ignore[assignment]
            (await connect(path)).close()

    run(body())
    [record] = caplog.records
    assert "Too many open files" in record.getMessage()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"\x00" * 100, "a frame begins with"),
        (b"".join(frames.FrameWriter().parts(Cancel(1)))[:20], "left in mid-frame"),
        (
            b"".join(
                frames.FrameWriter(lambda _: 2**40).parts(Item(1, Payload(b"", [bytearray(9)])))
            ),
            "not in an arena",
        ),
    ],
    ids=["garbage", "half a frame", "a place outside of the arena"],
)
def test_garbage_after_the_hello_loses_that_connection_alone(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture, said: bytes, why: str
) -> None:
    async def body() -> None:
        async with connected(path) as (caller, _):
            other = path.with_name("other")
            with listening(other) as listener:
                connecting = asyncio.ensure_future(connect(other))
                with await raw_worker(listener) as hostile:
                    victim = End(await connecting)
                    hostile.send(said)
                    hostile.shutdown(socket.SHUT_WR)
                    await victim.gone.wait()
                    victim.channel.send(Cancel(1))
                    victim.channel.close()
                    assert victim.losses == 1
            assert caller.losses == 0

    run(body())
    [record] = caplog.records
    assert why in record.getMessage()


def test_the_last_words_of_an_end_that_has_gone_arrive_even_if_something_is_sent_first(
    run: Run, path: Path
) -> None:
    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            worker = await raw_worker(listener)
            caller = End(await connecting)
            caller.channel.send(Cancel(1))
            await settled()
            answers = [Reply(number, Payload(b"x" * 1000, ())) for number in range(100)]
            worker.sendall(b"".join(b"".join(frames.FrameWriter().parts(one)) for one in answers))
            worker.close()
            caller.channel.send(Cancel(2))
            caller.channel._flush()
            await caller.gone.wait()
            assert [caller.arrived.get_nowait() for _ in answers] == answers

    run(body())


def test_an_end_that_never_reads_is_lost_before_it_eats_all_memory(
    run: Run, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_MOST_UNSENT_BYTES", 2**22)
    monkeypatch.setattr(unix, "_STANDSTILL_SECONDS", 0.0)

    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            with await raw_worker(listener):
                caller = End(await connecting)
                sent = 0
                while not caller.gone.is_set():
                    caller.channel.send(call(sent, b"x" * 2**16))
                    sent += 1
                    await asyncio.sleep(0)
                assert 60 < sent < 100
                caller.channel.close()

    run(body())
    [record] = caplog.records
    assert "does not read" in record.getMessage()


def test_an_end_that_never_reads_is_lost_though_nothing_more_is_sent_to_it(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_MOST_UNSENT_BYTES", 2**22)
    monkeypatch.setattr(unix, "_STANDSTILL_SECONDS", 0.01)

    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            with await raw_worker(listener):
                caller = End(await connecting)
                for number in range(100):
                    caller.channel.send(call(number, b"x" * 2**16))
                await caller.gone.wait()
                caller.channel.close()

    run(body())


def test_large_buffers_of_one_turn_are_counted_too(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_MOST_UNSENT_BYTES", 2**22)
    monkeypatch.setattr(unix, "_STANDSTILL_SECONDS", 0.0)

    async def body() -> None:
        with listening(path) as listener:
            connecting = asyncio.ensure_future(connect(path))
            with await raw_worker(listener):
                caller = End(await connecting)
                for number in range(1000):
                    caller.channel.send(call(number, np.zeros(2**15, dtype=np.uint8)))
                assert caller.channel._transport.get_write_buffer_size() < 2**23
                await caller.gone.wait()

    run(body())


def test_an_end_that_reads_is_not_given_up_however_much_it_still_has_to_read(
    run: Run, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unix, "_MOST_UNSENT_BYTES", 2**20)
    sent = np.zeros(2**19, dtype=np.uint8)

    async def body() -> None:
        async with connected(path) as (caller, worker):
            monkeypatch.setattr(caller.channel, "_frames", frames.FrameWriter())
            for number in range(20):
                caller.channel.send(call(number, sent))
                caller.channel._flush()
            assert caller.channel._transport.get_write_buffer_size() > 2**22
            arrived = [await worker.arrived.get() for _ in range(20)]
            assert [one.id for one in arrived] == list(range(20))
            assert caller.losses == worker.losses == 0

    run(body())


@pytest.mark.system
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user: run it as root")
def test_another_user_is_sent_away_whatever_the_files_mode_says(
    run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    code = """
import os, socket, sys
os.setuid(65534)
made = socket.socket(socket.AF_UNIX)
made.connect(sys.argv[1])
try:
    made.sendall(b"hello")
    left = made.recv(100) == b""
except (ConnectionResetError, BrokenPipeError):
    left = True
sys.exit(0 if left else 1)
"""
    # Not below pytest's own folder, whose mode would stop the other user before we do.
    path = Path(f"/tmp/minibento-test-{os.getpid()}.socket")  # noqa: S108 - must be open to all

    async def body() -> None:
        async with worker_at(path):
            path.chmod(0o666)  # noqa: ASYNC240 - takes no time
            other = await asyncio.create_subprocess_exec(sys.executable, "-c", code, path)
            assert await other.wait() == 0

    try:
        run(body())
    finally:
        path.unlink()
    assert any("user 65534 has connected" in record.getMessage() for record in caplog.records)


# Across a real process.


@contextmanager
def process(made: socket.socket) -> Iterator[subprocess.Popen[str]]:
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.wire.worker_process", str(made.fileno())],
        cwd=ROOT,
        pass_fds=[made.fileno()],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield started
    finally:
        started.kill()
        started.wait()
        assert started.stdout is not None
        started.stdout.close()


def test_calls_are_answered_by_another_process(run: Run, path: Path) -> None:
    async def body() -> None:
        with listening(path) as made, process(made) as worker:
            caller = End(await connect(path))
            array = np.arange(2**18, dtype=np.float32)
            for number in range(50):
                caller.channel.send(call(number, {"number": number, "array": array}))
            for number in range(50):
                reply = await caller.arrived.get()
                assert isinstance(reply, Reply)
                answer = decode(*reply.payload)
                assert answer["number"] == number
                assert np.array_equal(answer["array"], array)
            caller.channel.send(Call(99, "end", encode(None)))
            await caller.gone.wait()
            assert await asyncio.to_thread(worker.wait, SECONDS) == 0

    run(body())


def test_a_killed_worker_is_lost_once_and_its_ledger_says_what_it_computed(
    run: Run, path: Path
) -> None:
    async def body() -> None:
        with listening(path) as made:
            with process(made) as worker:
                assert worker.stdout is not None
                caller = End(await connect(path))
                caller.channel.send(Call(7, "hang", encode(None)))
                caller.channel.send(Call(8, "predict", encode(None)))
                assert await asyncio.to_thread(worker.stdout.readline) == "hanging\n"
                worker.kill()
                await caller.gone.wait()
                await settled()
                assert caller.losses == 1
                assert caller.channel.ledger.computing() == Computing(frozenset({7}), 3)
            # The socket is still ours: the next worker takes up who connects meanwhile.
            connecting = asyncio.ensure_future(connect(path))
            with process(made):
                again = End(await connecting)
                again.channel.send(call(1))
                assert isinstance(await again.arrived.get(), Reply)
                again.channel.close()

    run(body())


def test_connecting_and_listening_load_no_array_library() -> None:
    code = "import sys, minibento.wire.unix; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)
