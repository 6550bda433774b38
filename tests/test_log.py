import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from minibento import log, log_outflow

NASTY = "a\r\nforged\x1b[31m\u2028x\0\ud800"


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("minibento")
    before = logger.handlers[:], logger.level, logger.propagate
    yield io.StringIO()
    for one in logger.handlers:
        one.close()
    logger.handlers[:], logger.level, logger.propagate = before


def test_a_json_event_is_one_line_whatever_it_holds(stream: io.StringIO) -> None:
    log.set_up("json", stream=stream)
    try:
        int(NASTY)
    except ValueError:
        logging.getLogger("minibento.x").exception("%s", NASTY, extra={"path": NASTY})
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert event["message"] == NASTY
    assert event["path"] == NASTY
    assert event["level"] == "error"
    assert "ValueError" in event["traceback"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_the_traceback_of_another_thread_stands_where_tracebacks_stand(
    stream: io.StringIO, form: log.Format
) -> None:
    log.set_up(form, stream=stream)
    logger = logging.getLogger("minibento")
    record = logger.makeRecord(logger.name, logging.ERROR, "", 0, "it failed", (), None)
    record.exc_text = "Traceback\n  line"
    logger.handle(record)
    if form == "json":
        event = json.loads(stream.getvalue())
        assert (event["message"], event["traceback"]) == ("it failed", "Traceback\n  line")
    else:
        assert stream.getvalue().endswith("it failed\n    Traceback\n      line\n")


def test_a_text_event_is_one_line_and_its_traceback_is_indented(stream: io.StringIO) -> None:
    log.set_up("text", stream=stream)
    try:
        fail("a\n12:00:00 INFO forged")
    except ValueError:
        logging.getLogger("minibento").exception("%s", NASTY, extra={"path": NASTY})
    first, *rest = stream.getvalue().split("\n")[:-1]
    assert r"a\r\nforged\x1b[31m\u2028x\x00\ud800 path=a\r\n" in first
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_a_value_cannot_pass_for_another_key(stream: io.StringIO) -> None:
    log.set_up("text", stream=stream)
    path = '/x status=200 "y" '
    logging.getLogger("minibento").info("asked", extra={"path": path, "status": 404})
    assert stream.getvalue().endswith('asked path="/x status=200 \\"y\\" " status=404\n')


def test_what_is_no_terminal_gets_json(stream: io.StringIO) -> None:
    log.set_up(stream=stream)
    logging.getLogger("minibento").info("hello")
    assert json.loads(stream.getvalue())["message"] == "hello"


def test_events_below_the_level_are_not_written(stream: io.StringIO) -> None:
    log.set_up(level="warning", stream=stream)
    logging.getLogger("minibento").info("hello")
    assert stream.getvalue() == ""


def test_with_a_role_each_event_says_whose_it_is(stream: io.StringIO) -> None:
    log.set_up("json", stream=stream, role="api-worker-0")
    logging.getLogger("minibento.access").info("", extra={"status": 200, "pid": 1, "role": "x"})
    event = json.loads(stream.getvalue())
    assert (event["role"], event["pid"], event["status"]) == ("api-worker-0", os.getpid(), 200)
    assert list(event)[:4] == ["time", "level", "role", "pid"]


def test_in_text_the_role_stands_before_the_logger(stream: io.StringIO) -> None:
    log.set_up("text", stream=stream, role="api-worker-0")
    logging.getLogger("minibento.access").info("", extra={"status": 200})
    who = rf"api-worker-0\[{os.getpid()}\]"
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d INFO {who} minibento\.access  status=200\n", stream.getvalue()
    )


def test_without_a_role_nothing_is_said_of_the_process(stream: io.StringIO) -> None:
    log.set_up("json", stream=stream)
    logging.getLogger("minibento").info("hello", extra={"pid": 5})
    event = json.loads(stream.getvalue())
    assert "role" not in event
    assert event["pid"] == 5


WRITE = """
import logging, sys
from minibento import log
log.set_up("json", role=sys.argv[1])
for number in range(500):
    logging.getLogger("minibento").info(sys.argv[1] * 3000, extra={"number": number})
"""


def test_the_lines_of_several_processes_into_one_pipe_do_not_mix() -> None:
    reading, writing = os.pipe()
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITE, role], stdout=writing) for role in "abcd"
    ]
    os.close(writing)
    with os.fdopen(reading) as lines:
        events = [json.loads(line) for line in lines]
    assert [process.wait(20) for process in processes] == [0] * 4
    assert len(events) == 4 * 500
    assert all(event["message"] == event["role"] * 3000 for event in events)
    for role in "abcd":
        assert [one["number"] for one in events if one["role"] == role] == list(range(500))


def test_what_was_printed_before_stands_before(stream: io.StringIO) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as piped:
        handler = log.set_up("text", stream=piped)
        print("printed", file=piped)
        logging.getLogger("minibento").info("logged \udc80")
        handler.close()
    with os.fdopen(reading) as lines:
        first, second = lines
    assert first == "printed\n"
    assert second.endswith("minibento logged \\udc80\n")


def test_a_reader_that_has_gone_is_no_error(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as piped:
        log.set_up("text", stream=piped)
        os.close(reading)
        logging.getLogger("minibento").info("nobody hears this")
    assert capsys.readouterr().err == ""


def test_who_reads_no_log_holds_nobody_up_and_is_told_what_is_missing(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_outflow, "_PATIENCE_SECONDS", 0.01)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as piped, os.fdopen(reading, "rb") as read:
        log.set_up("text", stream=piped)
        for number in range(50):
            logging.getLogger("minibento").info("%d %s", number, "x" * 3000)
        assert os.get_blocking(writing)
        *early, _ = os.read(read.fileno(), 1 << 20).splitlines()
        assert len(early) in range(15, 25)
        logging.getLogger("minibento").info("again")
        missing, again = os.read(read.fileno(), 1 << 20).splitlines()
        told = f" WARNING minibento {49 - len(early)} events are missing here: the log could not"
        assert told in missing.decode()
        assert again.endswith(b" minibento again")


def test_an_event_that_was_torn_ends_before_the_next_begins(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_outflow, "_PATIENCE_SECONDS", 0.01)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as piped, os.fdopen(reading, "rb") as read:
        log.set_up("text", stream=piped)
        logging.getLogger("minibento").info("x" * 200_000)
        assert len(os.read(read.fileno(), 1 << 20)) == 1 << 16
        logging.getLogger("minibento").info("again")
        torn, missing, again = os.read(read.fileno(), 1 << 20).split(b"\n")[:3]
        assert torn == b""
        assert b"1 events are missing" in missing
        assert again.endswith(b" minibento again")


def test_a_socket_that_nobody_reads_holds_nobody_up(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_outflow, "_PATIENCE_SECONDS", 0.01)
    reading, writing = socket.socketpair()
    with reading, writing, os.fdopen(os.dup(writing.fileno()), "w") as streamed:
        log.set_up("text", stream=streamed)
        for _ in range(20):
            logging.getLogger("minibento").info("x" * 100_000)
        got = b""
        while len(got) < 100_000:
            got += reading.recv(1 << 20)
        assert got.count(b"x") >= 100_000


def test_a_full_disk_is_told_once_and_the_log_goes_on_when_there_is_room(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as piped, os.fdopen(reading, "rb") as read:
        log.set_up("text", stream=piped)
        with monkeypatch.context() as patched:
            patched.setattr(log_outflow.Outflow, "_write", _no_space)
            for _ in range(3):
                logging.getLogger("minibento").info("lost")
        logging.getLogger("minibento").info("again")
        missing, again = os.read(read.fileno(), 1 << 20).splitlines()
        assert b" 3 events are missing here" in missing
        assert again.endswith(b" again")
    assert capsys.readouterr().err == (
        "minibento: the log cannot be written: [Errno 28] No space left on device\n"
    )


def _no_space(*_: object) -> int:
    raise OSError(28, "No space left on device")


def test_an_event_that_cannot_be_written_is_told_on_standard_error_and_not_raised(
    stream: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    log.set_up("text", stream=stream)
    logging.getLogger("minibento").info("%d", "no number")
    assert "Logging error" in capsys.readouterr().err


def test_text_that_is_a_traceback_is_logged_as_one(stream: io.StringIO) -> None:
    log.set_up("text", stream=stream)
    logger = logging.getLogger("minibento")
    log.with_traceback(logger, logging.ERROR, "it failed", "Traceback\n  line\n")
    assert stream.getvalue().endswith("it failed\n    Traceback\n      line\n")
    log.with_traceback(logger, logging.ERROR, "it failed", "")
    assert stream.getvalue().endswith("minibento it failed\n")
