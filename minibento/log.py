"""How log events look: text for people on a terminal, one JSON document a line otherwise.

Knows what a log record is; knows no requests. Whatever callers put into paths, headers or messages,
an event is one line (a traceback's lines are indented under it), so that nobody can forge another.
Each event is one write, so that those of several processes into one pipe do not mix.
"""

import json
import logging
import os
import re
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal, TextIO

from minibento.log_outflow import Outflow

__all__ = ["JsonFormatter", "TextFormatter", "WholeLines", "escaped", "set_up", "with_traceback"]

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
    form: Format | None = None,
    level: str = "info",
    stream: TextIO | None = None,
    role: str = "",
) -> logging.Handler:
    """Send minibento's log to `stream`.

    Args:
        form: `text` or `json`; None: text if the stream is a terminal, else json.
        level: `debug`, `info`, `warning` or `error`.
        stream: Standard output if None.
        role: What this process does, such as `api-worker-0`: every event carries it and the
            process id, whatever an event's own `role` and `pid` are. Empty: neither.
    """
    stream = stream if stream is not None else sys.stdout
    form = form or ("text" if stream.isatty() else "json")
    handler = WholeLines(stream)
    handler.setFormatter(TextFormatter(role) if form == "text" else JsonFormatter(role))
    logger = logging.getLogger("minibento")
    for old in logger.handlers:
        old.close()
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
    return handler


def escaped(text: str) -> str:
    """Text on one line: what is not printable becomes its escape."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def with_traceback(logger: logging.Logger, level: int, message: str, trace: str) -> None:
    """Log a message above a traceback that is text: of another process, or no error's.

    As a traceback, so that what is in it cannot pass for events of its own.
    """
    if logger.isEnabledFor(level):
        record = logger.makeRecord(logger.name, level, __file__, 0, message, (), None)
        record.exc_text = trace.rstrip("\n") or None
        logger.handle(record)


class WholeLines(logging.Handler):
    """Writes each event in one piece, past the stream's buffer.

    Who reads the log cannot hold the server up: what does not fit into a full pipe is dropped, and
    how much that was is told when there is room again.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._dropped = 0
        try:
            self._outflow: Outflow | None = Outflow(stream.fileno())
        except (OSError, AttributeError):  # text in memory
            self._outflow = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one event; never raises."""
        try:
            if self._outflow is None:
                self._stream.write(self.format(record) + "\n")
            elif not (self._has_told(self._outflow) and self._written(record, self._outflow)):
                self._dropped += 1
        except Exception:  # noqa: BLE001 - nobody who logs expects an error
            self.handleError(record)

    def close(self) -> None:
        """Write no more."""
        if self._outflow is not None:
            self._outflow.close()
            self._outflow = None
        super().close()

    def _has_told(self, outflow: Outflow) -> bool:
        """Say how many events were dropped, if there were any; False: there is no room for that."""
        if self._dropped:
            said = "%d events are missing here: the log could not be written"
            told = logging.LogRecord(
                "minibento", logging.WARNING, "", 0, said, (self._dropped,), None
            )
            if not self._written(told, outflow):
                return False
            self._dropped = 0
        return True

    def _written(self, record: logging.LogRecord, outflow: Outflow) -> bool:
        line = (self.format(record) + "\n").encode(self._encoding, "backslashreplace")
        try:
            if outflow.has_room():
                self._stream.flush()  # what others have printed stays in its order
            return outflow.write(line)
        except BrokenPipeError:
            return False
        except OSError as error:  # the disk is full
            if not self._dropped and sys.stderr is not None:
                with suppress(OSError):
                    print(f"minibento: the log cannot be written: {error}", file=sys.stderr)
            return False


class TextFormatter(logging.Formatter):
    """`12:30:01 INFO minibento message key=value ...`, tracebacks indented below.

    With a role: `12:30:01 INFO api-worker-0[1234] minibento message ...`.
    """

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        who = f"{self._role}[{os.getpid()}] " if self._role else ""
        line = f"{clock} {record.levelname} {who}{record.name} {escaped(record.getMessage())}"
        for key, value in _extra(record).items():
            line += f" {key}={_marked(escaped(str(value)))}"
        if trace := _trace(self, record):
            line += "".join(f"\n    {escaped(part)}" for part in trace.split("\n"))
        return line


class JsonFormatter(logging.Formatter):
    """One JSON document: time, level, role, pid, logger, message, what the event carries,
    traceback.
    """

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self._role = role

    def format(self, record: logging.LogRecord) -> str:
        """One event."""
        own = {"role": self._role, "pid": os.getpid()} if self._role else {}
        event: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            **own,
            "logger": record.name,
        }
        message = record.getMessage()
        if message:
            event["message"] = message
        event.update(_extra(record))
        event.update(own)
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
