"""One HTTP connection: what it may send and take, how long, and how it ends; knows no service.

uvicorn's own protocol parses requests and runs the app for each. It has no limits of its own; they
are here, on top of it, for a fraction of a microsecond a request: one timer a connection, which is
armed anew only when it has gone off too early.
"""

import asyncio
import math
from typing import Any

import httptools
import uvicorn
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from minibento.processes.http_alarm import Alarm
from minibento.processes.http_door import Door
from minibento.processes.http_outlet import Outlet
from minibento.processes.http_partial import Partial
from minibento.processes.http_refusals import Asked, Refusal, refusal_of
from minibento.processes.http_rules import FORWARDED, RARE, checked_head, checked_size

__all__ = ["HttpProtocol"]

# What of the request under way is still to come.
_NOTHING, _HEADERS, _BODY = range(3)
# To who still sends when we have answered for the last time: that long the answer may be read.
_LAST_SECONDS = 2.0
# Requests that may wait on one connection for those before them.
_MOST_WAITING = 100
_TIMER_SLACK = 0.001


class HttpProtocol(HttpToolsProtocol):
    """A connection with limits; reads no more after the first request that it refuses."""

    __slots__ = (
        "_alarm",
        "_body_bytes",
        "_deaf",
        "_door",
        "_due",
        "_idle_since",
        "_last_words",
        "_outlet",
        "_parted",
        "_partial",
        "_phase",
        "_running",
        "_seen_bytes",
        "_unsent_bytes",
        "_unsent_since",
        "_upgrading",
    )

    def __init__(
        self,
        door: Door,
        config: uvicorn.Config,
        server_state: ServerState,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, {}, loop)
        self.logger = door.log
        self._door = door
        self._outlet: Any = None
        self._running: RequestResponseCycle | None = None  # whose task has begun last
        self._phase = _NOTHING
        self._upgrading = False
        # How the connection ends.
        self._last_words: Refusal | None = None  # said when all before it is answered
        self._deaf = False  # what still comes is thrown away
        self._parted = False
        # Bytes of the requests under way, since none was.
        self._seen_bytes = 0
        self._body_bytes = 0
        self._partial = Partial(door.limits)
        # Time.
        self._idle_since = 0.0
        self._due = math.inf  # the rest of the request, or the end of the connection
        self._alarm = Alarm(loop, self._woken)
        self._unsent_bytes = 0
        self._unsent_since = 0.0

    # What the event loop tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # After a request that says `Connection: close` nothing follows.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._outlet = Outlet(self, transport)
        self._idle_since = self.loop.time()
        limits = self._door.limits
        self._alarm.at(self._idle_since + min(limits.keep_alive_seconds, limits.body_seconds))

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._seen_bytes += len(data)
        try:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._read_on_without_upgrade(data, upgrade)
            if self._phase:
                self._check_unfinished()
            else:
                self._seen_bytes = 0
        except Refusal as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            self._refuse(refusal_of(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._alarm.cancel()
        self._abandon_running()
        self.pipeline.clear()
        super().connection_lost(exc)
        # Without circles it goes at once, and not with the next collection.
        self._outlet.end()
        self._outlet = self._running = None
        if self._door.retiring and not self.connections:
            self._door.left.set()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unsent_bytes = self.transport.get_write_buffer_size()
        self._unsent_since = self.loop.time()
        self._alarm.at(self._unsent_since + self._door.limits.body_seconds)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent_bytes = 0

    # What the parser tells.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._phase = _HEADERS

    def on_headers_complete(self) -> None:
        door = self._door
        if self._seen_bytes > door.limits.headers_bytes:
            checked_size(self.url, self.headers, door.limits.headers_bytes)
        version = self.parser.get_http_version()
        named = checked_head(version, self.headers, door.limits.body_bytes)
        self.app = door.app
        if not RARE.isdisjoint(named):
            if b"upgrade" in named and self.parser.should_upgrade():
                self._upgrading = True
                return
            if not FORWARDED.isdisjoint(named):
                self.app = door.behind_proxy
        if len(self.pipeline) >= _MOST_WAITING:
            raise Refusal(429, f"{_MOST_WAITING} requests wait on this connection: read an answer")
        super().on_headers_complete()
        self.cycle.transport = self._outlet
        if door.retiring:
            self.cycle.keep_alive = False
        # What follows the last chunk looks like headers and is none: nobody reads it there.
        self.headers = []
        self._phase = _BODY
        self._body_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._door.limits.body_bytes:
            most = self._door.limits.body_bytes
            raise Refusal(413, f"the body is larger than {most:,} bytes: send less at once")
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        if self._upgrading:
            return
        self._phase = _NOTHING
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()

    # What the app's answers tell.

    def on_response_complete(self) -> None:
        self._outlet.flush()
        self.server_state.total_requests += 1
        if self._parted or self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        elif self._last_words is not None:
            self._say(self._last_words)
        else:
            self._idle_since = self.loop.time()

    def part(self) -> None:
        """Close after an answer; but one who still sends must be able to read it.

        A connection closed with bytes unread is reset, and the answer is lost with it.
        """
        transport = self.transport
        if self._parted or transport.is_closing():
            return
        self._parted = True
        sends = self._phase or self._deaf or self.flow.read_paused
        if not sends or not transport.can_write_eof():
            self._due = math.inf
            transport.close()
            return
        self._deaf = True
        self.flow.resume_reading()
        transport.write_eof()
        self._due = self.loop.time() + _LAST_SECONDS
        self._alarm.at(self._due)

    # What the server tells.

    def retire(self) -> None:
        """Make the answer that comes next the last."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def dismiss(self) -> None:
        """Close at once if nothing is asked, else after the answer."""
        if self._is_busy():
            self.cycle.keep_alive = False
        elif not self._phase and not self._parted:
            self.transport.close()

    def cut(self, refusal: Refusal | None) -> None:
        """Close at once; a request whose answer has not begun gets the refusal for one."""
        waits = self._is_busy() and self._running is not None and not self._running.response_started
        self.pipeline.clear()
        self._abandon_running()
        if refusal is None or not waits:
            self.transport.abort()
            return
        self._deaf = True
        self._say(refusal)

    # Requests.

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _is_busy(self) -> bool:
        running = self._running
        return running is not None and not (running.response_complete or running.disconnected)

    def _abandon_running(self) -> None:
        """Tell the app that nobody waits for its answer any more."""
        running = self._running
        if running is not None and not running.response_complete:
            running.disconnected = True
            running.message_event.set()

    def _read_on_without_upgrade(self, data: bytes, upgrade: httptools.HttpParserUpgrade) -> None:
        """Read a request anew that wants another protocol, as if it did not.

        The parser takes what follows the head for that protocol, a body too: clients that offer
        HTTP/2 with every request would lose theirs.
        """
        rest = memoryview(data)
        while True:
            if not self._upgrading:
                raise Refusal(400, "a request that opens a tunnel is not accepted")
            self._upgrading = False
            rest = rest[upgrade.args[0] :]
            version = self.parser.get_http_version().encode("ascii")
            lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)]
            lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
            self.parser = httptools.HttpRequestParser(self)
            self.parser.feed_data(b"\r\n".join([*lines, b"", b""]))
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as another:
                upgrade = another
            else:
                return

    def _check_unfinished(self) -> None:
        """Start the clock of a request that has come in part; bound what is not counted else."""
        limits = self._door.limits
        if self._phase == _HEADERS:
            first = self._partial.headers(self.url, self.headers, self._seen_bytes)
            seconds = limits.headers_seconds
        else:
            first = self._partial.body(self.cycle, self._seen_bytes, self._body_bytes)
            seconds = limits.body_seconds
        if first:
            self._due = self.loop.time() + seconds
            self._alarm.at(self._due)

    # Refusals.

    def _refuse(self, refusal: Refusal) -> None:
        """Answer with it when all that came before has been answered; read nothing more."""
        self._deaf = True
        begun, self._phase = self._phase == _BODY, _NOTHING
        self.flow.resume_reading()
        if begun and not self._withdraw(self.cycle):
            return
        if self._is_busy():
            self._last_words = refusal
        else:
            self._say(refusal)

    def _withdraw(self, cycle: RequestResponseCycle) -> bool:
        """Take a request back whose head was good; whether there can be another answer to it."""
        if self.pipeline and self.pipeline[0][0] is cycle:
            self.pipeline.popleft()
            return True
        if cycle.response_complete:
            self.part()
            return False
        self._abandon_running()
        if cycle.response_started:
            self.transport.abort()
            return False
        return True

    def _say(self, refusal: Refusal) -> None:
        if self.transport.is_closing():
            return
        known = self.scope is not None
        asked = Asked(
            client=self.client[0] if self.client else "",
            url=self.url if known else b"",
            headers=self.scope["headers"] if known else (),
            without_body=self.parser.get_method() == b"HEAD",
        )
        usual = self.server_state.default_headers
        self.transport.write(self._door.refusals.answer(refusal, asked, usual))
        self.part()

    # Time.

    def _woken(self, now: float) -> None:
        if self._is_stuck(now):
            self.transport.abort()
            return
        if self._deadline(now) <= now + _TIMER_SLACK:
            self._expire()
        # Not later, to see whether the client takes what is sent to it.
        self._alarm.at(min(self._deadline(now), now + self._door.limits.body_seconds))

    def _deadline(self, now: float) -> float:
        """When something must have happened."""
        limits = self._door.limits
        if self._parted:
            return self._due
        if self._phase:
            # While we do not read, the client is not late.
            return now + limits.body_seconds if self.flow.read_paused else self._due
        if self._is_busy():
            return math.inf
        return self._idle_since + limits.keep_alive_seconds

    def _expire(self) -> None:
        """It has not happened."""
        limits = self._door.limits
        if self._parted:
            self.transport.abort()
        elif self._phase == _HEADERS:
            self._refuse(Refusal(408, f"no headers within {limits.headers_seconds:g} s"))
        elif self._phase == _BODY:
            self._refuse(Refusal(408, f"no whole body within {limits.body_seconds:g} s"))
        else:
            self.part()

    def _is_stuck(self, now: float) -> bool:
        """Whether the client has taken nothing for too long of what is sent to it."""
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent_bytes:
            self._unsent_bytes, self._unsent_since = unsent, now
        stuck_seconds = now - self._unsent_since
        return bool(unsent) and stuck_seconds >= self._door.limits.body_seconds - _TIMER_SLACK
