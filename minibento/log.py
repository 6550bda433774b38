"""How log events look: text for people on a terminal, one JSON document a line otherwise.

Knows what a log record is; knows no requests. Whatever callers put into paths, headers or messages,
an event is one line (a traceback's lines are indented under it), so that nobody can forge another.
"""

import json
import logging
import re
import sys
import time
from datetime import UTC, datetime
from typing import Literal, TextIO

__all__ = ["JsonFormatter", "TextFormatter", "escaped", "set_up"]

Format = Literal["text", "json"]
# Control characters, the line and paragraph separators, directions, lone surrogates.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


def set_up(
    form: Format | None = None, level: str = "info", stream: TextIO | None = None
) -> logging.Handler:
    """Send minibento's log to `stream`.

    Args:
        form: `text` or `json`; None: text if the stream is a terminal, else json.
        level: `debug`, `info`, `warning` or `error`.
        stream: Standard output if None.
    """
    stream = stream if stream is not None else sys.stdout
    form = form or ("text" if stream.isatty() else "json")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TextFormatter() if form == "text" else JsonFormatter())
    logger = logging.getLogger("minibento")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    return handler


def escaped(text: str) -> str:
    """Text on one line: what is not printable becomes its escape."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


class TextFormatter(logging.Formatter):
    """`12:30:01 INFO minibento message key=value ...`, tracebacks indented below."""

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        line = f"{clock} {record.levelname} {record.name} {escaped(record.getMessage())}"
        for key, value in _extra(record).items():
            line += f" {key}={_marked(escaped(str(value)))}"
        if trace := _trace(self, record):
            line += "".join(f"\n    {escaped(part)}" for part in trace.split("\n"))
        return line


class JsonFormatter(logging.Formatter):
    """One JSON document: time, level, logger, message, what the event carries, traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        message = record.getMessage()
        if message:
            event["message"] = message
        event.update(_extra(record))
        if trace := _trace(self, record):
            event["traceback"] = trace
        return json.dumps(event, default=str)


def _marked(text: str) -> str:
    """The text in quotes where a space in it would begin what looks like another `key=value`."""
    return json.dumps(text, ensure_ascii=False) if " " in text else text


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str | None:
    """The traceback as text: that of another thread or process is no other."""
    if record.exc_text or not record.exc_info:
        return record.exc_text
    return formatter.formatException(record.exc_info)


def _extra(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _OWN}
