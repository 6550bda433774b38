import io
import json
import logging
from collections.abc import Iterator

import pytest

from minibento import log

NASTY = "a\r\nforged\x1b[31m\u2028x\0\ud800"


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    logger = logging.getLogger("minibento")
    before = logger.handlers[:], logger.level, logger.propagate
    yield io.StringIO()
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
