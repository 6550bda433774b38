"""One method as a raw ASGI app: the hot path, with everything chosen before the first request.

Knows the method's codecs and limits; knows neither routes nor how the service is started.
"""

import asyncio
import re
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from minibento.asgi import problem
from minibento.asgi.accept import preferred
from minibento.asgi.body import choose_decoder, exact_types, read_on
from minibento.asgi.headers import Headers, checked, typed, with_headers, without_body
from minibento.asgi.invoke import ABSENT, Invoke, Pending, resumed
from minibento.asgi.mends import mended
from minibento.asgi.meter import Meter
from minibento.asgi.refusals import Gone, Stop
from minibento.asgi.request_ids import RequestId
from minibento.asgi.room import Room
from minibento.asgi.serving import Serving
from minibento.asgi.watch import Watch
from minibento.call import Call, current_call
from minibento.errors import DeadlineExceeded
from minibento.io.base import Decode, Encode, Refused
from minibento.io.json_body import JSON, json_value
from minibento.services.context import Context
from minibento.services.method import Method

__all__ = ["Endpoint"]

_PROBLEM = (b"content-type", problem.MEDIA_TYPE.encode())
# At most six digits before the point: a deadline of two weeks is none.
_SECONDS = re.compile(rb"[0-9]{1,6}(\.[0-9]{1,9})?\Z")
_ALLOW = {"allow": "POST, OPTIONS"}


class Endpoint:
    """The ASGI app of one method, for the scopes of its own path."""

    def __init__(
        self,
        method: Method,
        invoke: Invoke,
        request_id: RequestId,
        meter: Meter,
        loop: asyncio.AbstractEventLoop,
        *,
        serving: Serving,
        room: Room,
    ) -> None:
        self._room = room
        self._method = method
        self._loop = loop
        self._invoke = invoke
        self._request_id = request_id
        self._meter = meter
        self._timeout = serving.timeout_of(method)
        self._max_body = serving.max_body
        self._show_errors = serving.show_errors
        self._wants_context = method.context is not None
        answer = method.answer
        self._answer_type, self._encode = _typed(answer.media_type, answer.encode)
        self._others = {name: _typed(name, encode) for name, encode in answer.others.items()}
        self._decoders: Mapping[str, Decode] = (
            {JSON: _nothing} if method.body is None else method.body.decoders
        )
        self._exact_types = exact_types(self._decoders)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Only an error in sending is raised, and cancellation from outside."""
        begun = time.monotonic()
        headers = dict(scope["headers"])
        request_id = self._request_id(headers.get(b"x-request-id"))
        call = Call(request_id.decode("ascii"), begun + self._timeout, self._method.is_async)
        token = current_call.set(call)
        self._meter.begin()
        status = 499  # what is logged if nobody waits for the answer any more
        try:
            try:
                answer = await self._answer(scope, receive, headers, call)
            except BaseException as error:  # noqa: BLE001  # whatever it is becomes the answer
                answer = self._problem(error, call)
            if isinstance(answer, Response):
                status = answer.status_code
                answer = await self._relayed(answer, scope, receive, send, call)
            if answer is None:
                return
            status, head, body = answer
            if without_body(status):
                head, body = head[1:], b""  # the first is the type of what is not there
            else:
                head.append((b"content-length", b"%d" % len(body)))
            head.append((b"x-request-id", request_id))
            await send({"type": "http.response.start", "status": status, "headers": head})
            await send({"type": "http.response.body", "body": body})
        finally:
            current_call.reset(token)
            if call.held_bytes:
                self._room.give(call.held_bytes)
            self._meter.end(status, time.monotonic() - begun, call, scope)

    async def _answer(
        self, scope: Scope, receive: Receive, headers: dict[bytes, bytes], call: Call
    ) -> tuple[int, Headers, bytes] | Response | None:
        if scope["method"] != "POST":
            return self._other_method(scope["method"])
        if b"minibento-timeout" in headers:
            self._shorten(call, headers[b"minibento-timeout"])
        decode = self._exact_types.get(headers.get(b"content-type"))
        if decode is None or b"content-encoding" in headers:
            decode = self._decoder(headers)
        message = await receive()
        body = message.get("body", b"")
        if (
            message.get("more_body")
            or message["type"] != "http.request"
            or len(body) > self._max_body
        ):
            body = await self._read_on(message, receive, headers, call)
        value = self._value(decode, body)
        context = self._context(scope, receive, call) if self._wants_context else None
        pending = self._invoke(value, context)
        try:
            # A method that never waits is done after its first step, and needs no timer.
            waits_for = pending.send(None)
        except StopIteration as done:
            result = done.value
        else:
            result = await self._rest(pending, waits_for, receive, call)
        if isinstance(result, Response):
            checked(result.status_code, result.raw_headers)
            return result
        media_type, encode = self._answer_type, self._encode
        if self._others and b"accept" in headers:
            media_type, encode = self._accepted(scope["headers"])
        body = encode(result)
        if context is None:
            return 200, [media_type], body
        answer = context.response
        own = checked(answer.status_code, answer.raw_headers)
        return answer.status_code, typed(media_type, own), body

    def _value(self, decode: Decode, body: bytes) -> Any:
        """The value of the body."""
        if not body and (self._method.optional or self._method.body is None):
            return ABSENT
        try:
            return decode(body)
        except Refused as refused:
            if decode != self._decoders.get(JSON):
                raise
            raise mended(refused, body, self._method) from None

    async def _rest(self, pending: Pending, waits_for: Any, receive: Receive, call: Call) -> Any:
        """The result of a method that waits, no later than its deadline or its client's leave."""
        assert call.deadline is not None
        left = call.deadline - time.monotonic()
        watch = Watch(self._loop, call.deadline, left, receive)
        try:
            result = await resumed(pending, waits_for)
            if watch.reason is None:
                return result
            watch.excuses()  # the method has caught the cancellation and gone on
        except asyncio.CancelledError:
            if not watch.excuses():
                raise
        finally:
            watch.close()
        if watch.reason == "gone":
            raise Gone
        raise DeadlineExceeded(f"{self._method.name} did not answer within its deadline")

    async def _relayed(
        self, answer: Response, scope: Scope, receive: Receive, send: Send, call: Call
    ) -> tuple[int, Headers, bytes] | None:
        """Send a method's own Response; what fails before its first byte is answered instead."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        named = with_headers(noting, [(b"x-request-id", call.request_id.encode("ascii"))])
        try:
            await answer(scope, receive, named)
        except BaseException as error:
            if begun:
                raise
            return self._problem(error, call)
        return None

    def _problem(self, error: BaseException, call: Call) -> tuple[int, Headers, bytes] | None:
        if isinstance(error, Gone):
            return None
        if _from_outside(error):
            raise error
        found = problem.of(error, call.request_id, self._method.path, show=self._show_errors)
        return found.status, [_PROBLEM, *found.raw_headers()], found.body(call.request_id)

    def _other_method(self, given: str) -> tuple[int, Headers, bytes]:
        if given == "OPTIONS":
            return 200, [(b"allow", _ALLOW["allow"].encode())], b""
        raise Stop(405, f"{self._method.path} answers POST, got {given[:20]}", headers=_ALLOW)

    def _decoder(self, headers: dict[bytes, bytes]) -> Decode:
        """The slow choice, for headers that are written in an unusual way or missing."""
        empty = b"transfer-encoding" not in headers and headers.get(b"content-length", b"0") == b"0"
        if empty and (self._method.body is None or self._method.optional):
            return _nothing
        return choose_decoder(headers, self._decoders)

    def _accepted(self, headers: Headers) -> tuple[tuple[bytes, bytes], Encode]:
        """Type and encoder of an answer that can have several, by all of the Accept headers."""
        accept = b",".join(value for name, value in headers if name == b"accept")
        name = preferred(accept, self._method.answer.media_type, self._others)
        return self._others.get(name, (self._answer_type, self._encode))

    async def _read_on(
        self, message: Message, receive: Receive, headers: dict[bytes, bytes], call: Call
    ) -> bytes:
        """A body that comes in several parts, within the deadline and the room for all of them."""
        assert call.deadline is not None

        def take(size: int) -> None:
            self._room.take(size, call.held_bytes)
            call.held_bytes += size

        try:
            async with asyncio.timeout(call.deadline - time.monotonic()):
                return await read_on(message, receive, headers, self._max_body, take)
        except TimeoutError:
            raise Stop(
                408, "the body did not arrive before the deadline", headers={"connection": "close"}
            ) from None

    def _shorten(self, call: Call, given: bytes) -> None:
        """Bring the deadline forward as the caller's header says."""
        if not _SECONDS.match(given):
            raise Stop(
                400,
                "Minibento-Timeout is a number of seconds such as 0.2, "
                f"got {given.decode('latin-1')[:40]!r}",
            )
        seconds = float(given)
        assert call.deadline is not None
        if seconds < self._timeout:
            call.deadline += seconds - self._timeout

    def _context(self, scope: Scope, receive: Receive, call: Call) -> Context:
        assert call.deadline is not None
        return Context(Request(scope, receive), call.request_id, call.deadline)


def _typed(media_type: str, encode: Encode) -> tuple[tuple[bytes, bytes], Encode]:
    return (b"content-type", media_type.encode()), encode


def _from_outside(error: BaseException) -> bool:
    """Whether it ends the task. Anything else is what the method raised, SystemExit too."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return isinstance(error, GeneratorExit)


def _nothing(body: bytes) -> Any:
    """The body of a method that takes nothing: `{}` or none at all."""
    if body.strip() and json_value(body) != {}:
        raise Refused(422, "this method takes nothing: send {} or no body")
    return ABSENT
