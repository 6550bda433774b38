"""Answers that say how long their call took and which model gave them; knows no service."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from minibento.asgi.headers import Headers
from minibento.call import Call, current_call

__all__ = ["timed"]


def timed(endpoint: ASGIApp) -> ASGIApp:
    """The same endpoint, its answers with `Server-Timing` and `Minibento-Model`.

    An answer to which no runner contributed has neither.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                call = current_call.get()
                if call is not None and call.batch_size:
                    message["headers"] = [*message.get("headers", ()), *_headers(call)]
            await send(message)

        await endpoint(scope, receive, noting)

    return answer


def _headers(call: Call) -> Headers:
    timing = (
        f"queue;dur={call.queue_seconds * 1000:.3f}, "
        f"compute;dur={call.compute_seconds * 1000:.3f}, "
        f'batch;desc="{call.batch_size}"'
    )
    headers = [(b"server-timing", timing.encode("ascii"))]
    if call.model_version:
        headers.append((b"minibento-model", call.model_version.encode("ascii", "replace")))
    return headers
