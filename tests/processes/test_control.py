"""Documents between a supervisor and its children."""

import asyncio
import os
import socket
from typing import Any

import pytest

from minibento.processes import control
from minibento.processes.control import Control


def test_a_document_and_its_descriptors_arrive_together() -> None:
    left, right = socket.socketpair()
    read, write = os.pipe()
    with left, right:
        control.send(left, {"do": "fork"}, [write])
        control.send(left, {"do": "more"})
        document, (descriptor,) = control.receive(right)
        os.write(descriptor, b"x")
        assert document == {"do": "fork"}
        assert os.read(read, 1) == b"x"
        assert not os.get_inheritable(descriptor)
        assert control.receive(right) == ({"do": "more"}, [])
    for one in (read, write, descriptor):
        os.close(one)


def test_the_end_of_the_other_side_is_an_error_for_who_waits() -> None:
    left, right = socket.socketpair()
    with right:
        left.close()
        with pytest.raises(EOFError):
            control.receive(right)


def test_an_end_in_the_middle_of_a_document_is_an_error_too() -> None:
    left, right = socket.socketpair()
    with right:
        left.sendall(b"\x00\x00\x00\x20{")
        left.close()
        with pytest.raises(EOFError):
            control.receive(right)


def test_documents_arrive_in_order_however_large_they_are() -> None:
    documents = [{"n": n, "text": "x" * (n * 50_000)} for n in range(20)]
    arrived: list[dict[str, Any]] = []

    async def run() -> None:
        left, right = socket.socketpair()
        done = asyncio.Event()

        def received(document: dict[str, Any]) -> None:
            arrived.append(document)
            if len(arrived) == len(documents):
                done.set()

        sender = Control(left, lambda _: None, lambda: None)
        receiver = Control(right, received, lambda: None)
        for document in documents:
            sender.send(document)
        async with asyncio.timeout(20):
            await done.wait()
        sender.close()
        receiver.close()

    asyncio.run(run())
    assert arrived == documents


def test_what_was_said_before_the_end_is_heard_before_the_loss() -> None:
    heard: list[object] = []

    async def run() -> None:
        left, right = socket.socketpair()
        control.send(left, {"failed": "why"})
        left.close()
        receiver = Control(right, heard.append, lambda: heard.append("lost"))
        receiver.drain()
        assert receiver.closed
        receiver.send({"nobody": "hears"})

    asyncio.run(run())
    assert heard == [{"failed": "why"}, "lost"]


def test_a_document_for_who_does_not_read_holds_nobody_up() -> None:
    heard: list[tuple[dict[str, Any], int]] = []

    async def run() -> None:
        left, right = socket.socketpair()
        sender = Control(left, lambda _: None, lambda: None)
        with right:
            sender.send_with({"text": "x" * 5_000_000}, [right.fileno()])
            with pytest.raises(BlockingIOError, match="not been read"):
                sender.send_with({"text": "y"}, [right.fileno()])
            document, (descriptor,) = await asyncio.to_thread(control.receive, right)
            os.close(descriptor)
            heard.append((document, len(document["text"])))
            sender.close()

    asyncio.run(asyncio.wait_for(run(), 20))
    assert heard[0][1] == 5_000_000
