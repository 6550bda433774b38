"""Questions to a running server."""

import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from minibento.errors import Unavailable
from minibento.processes.asking import ask
from tests.processes.supervisors import control_socket

Line = dict[str, Any] | bytes


@pytest.fixture
def directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        path = Path(made) / "77"
        path.mkdir()
        yield path


def test_the_last_line_is_the_answer_and_the_others_are_said(directory: Path) -> None:
    def answer(_: dict[str, Any]) -> Iterator[Line]:
        yield {"say": "describing"}
        yield {"unknown": 1}
        yield b'{"say": "load'
        yield b'ing"}\n{"ok": true, "more": [1]}\n'

    said: list[str] = []
    with control_socket(directory, answer) as asked:
        assert ask(directory, {"do": "reload"}, said.append) == {"ok": True, "more": [1]}
    assert said == ["describing", "loading"]
    assert asked == [{"do": "reload"}]


def test_a_refusal_is_an_answer(directory: Path) -> None:
    refusal = {"ok": False, "error": "model does not load"}
    with control_socket(directory, lambda _: iter([refusal])):
        assert ask(directory, {"do": "reload"}) == refusal


def test_an_answer_may_be_long(directory: Path) -> None:
    text = "x" * 3_000_000
    with control_socket(directory, lambda _: iter([{"ok": True, "text": text}])):
        assert ask(directory, {"do": "status"})["text"] == text


def test_a_server_that_is_gone_has_ended(directory: Path) -> None:
    with pytest.raises(Unavailable, match="the server with process id 77 has ended"):
        ask(directory, {"do": "status"})
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(directory / "control.sock"))
    dead.close()
    with pytest.raises(Unavailable, match="has ended"):
        ask(directory, {"do": "status"})


@pytest.mark.parametrize("last", [b"", b'{"say": "go', b'{"say": "going"}\n'])
def test_a_server_that_ends_meanwhile_has_ended(directory: Path, last: bytes) -> None:
    with (
        control_socket(directory, lambda _: iter([last])),
        pytest.raises(Unavailable, match="has ended"),
    ):
        ask(directory, {"do": "reload"})


@pytest.mark.parametrize("line", [b"HTTP/1.1 400\n", b"[]\n", b"\xff\n", b"x" * (17 << 20)])
def test_an_answer_of_another_kind_is_said_to_be_one(directory: Path, line: bytes) -> None:
    with (
        control_socket(directory, lambda _: iter([line])),
        pytest.raises(Unavailable, match="answers what nobody understands"),
    ):
        ask(directory, {"do": "status"})


def test_a_server_that_is_silent_but_alive_is_waited_for(directory: Path) -> None:
    alive = threading.Event()

    def answer(request: dict[str, Any]) -> Iterator[Line]:
        if request["do"] == "status":
            alive.set()
        else:
            assert alive.wait(20)
        yield {"ok": True}

    with control_socket(directory, answer) as asked:
        assert ask(directory, {"do": "reload"}, prompt=1) == {"ok": True}
    assert asked[:2] == [{"do": "reload"}, {"do": "status"}]


def test_a_server_that_is_stopped_is_not_waited_for(directory: Path) -> None:
    # It has the connection in its queue and never takes it.
    with socket.socket(socket.AF_UNIX) as stopped:
        stopped.bind(str(directory / "control.sock"))
        stopped.listen(2)
        with pytest.raises(Unavailable, match=r"does not answer within 0\.05 s: it is stopped"):
            ask(directory, {"do": "reload"}, prompt=0.05)
        with pytest.raises(Unavailable, match="kill -CONT 77 wakes it up"):
            ask(directory, {"do": "status"}, prompt=0.05)


def test_a_server_whose_queue_of_connections_is_full_is_not_waited_for(directory: Path) -> None:
    with socket.socket(socket.AF_UNIX) as stopped, socket.socket(socket.AF_UNIX) as first:
        stopped.bind(str(directory / "control.sock"))
        stopped.listen(0)
        first.connect(str(directory / "control.sock"))
        with pytest.raises(Unavailable, match="does not answer within"):
            ask(directory, {"do": "status"}, prompt=0.05)
