"""Errors of apps that are not ours become answers like our own; knows no routes."""

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minibento.asgi import problem
from minibento.asgi.request_ids import RequestId

__all__ = ["Guard", "Noting", "guarded"]


class Noting:
    """A `send` that knows the status of the answer that has begun; 0: none has."""

    __slots__ = ("_send", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send one message."""
        self.status = message.get("status", self.status)
        await self._send(message)


class Guard:
    """Around the user's middleware, whose errors the server would answer in its own way."""

    def __init__(self, app: ASGIApp, request_id: RequestId, *, show_errors: bool) -> None:
        self._app = app
        self._request_id = request_id
        self._show_errors = show_errors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one scope on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = self._request_id(dict(scope["headers"]).get(b"x-request-id")).decode("ascii")
        await guarded(
            self._app,
            scope,
            receive,
            Noting(send),
            request_id=request_id,
            where="the middleware",
            show_errors=self._show_errors,
        )


async def guarded(
    app: ASGIApp,
    scope: Scope,
    receive: Receive,
    send: Noting,
    *,
    request_id: str,
    where: str,
    show_errors: bool,
) -> None:
    """Let the app answer; if it raises before it has begun to, a problem is the answer."""
    try:
        await app(scope, receive, send)
    except Exception as error:
        if send.status:
            raise  # half an answer has been sent
        found = problem.of(error, request_id, where, show=show_errors)
        own = {"content-type": problem.MEDIA_TYPE, "x-request-id": request_id}
        answer = Response(found.body(request_id), found.status, headers={**found.headers, **own})
        await answer(scope, receive, send)
