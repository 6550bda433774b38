"""The request that a server is asked while it is broken: a given one, or its own example."""

import json
from http.client import HTTPConnection
from typing import Any

from minibento.errors import UsageError
from minibento.testing.chaos.connection import encode
from minibento.testing.chaos.load import Load, Request, Verdict

__all__ = ["example", "prepared"]

_MEDIA_TYPE = "application/json"
# So many equal answers to the same request say that there is one right answer.
_TRIES = 5


def example(host: str, port: int) -> tuple[str, bytes]:
    """Path and body of the example of the first method that has one.

    Raises:
        UsageError: none has.
    """
    connection = HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/openapi.json")
        document = json.loads(connection.getresponse().read())
    except (OSError, ValueError) as error:
        raise UsageError(f"{host}:{port} does not describe itself: {error}") from error
    finally:
        connection.close()
    for path, operations in document.get("paths", {}).items():
        found = _example(operations.get("post", {}))
        if found is not None:
            return path, found
    raise UsageError(
        "no method of the service has an example: give one with @minibento.api(example=...), or "
        "say what to ask: --request PATH BODY"
    )


def _example(operation: dict[str, Any]) -> bytes | None:
    body = operation.get("requestBody")
    if body is None:
        return b"" if operation else None
    content = body.get("content", {}).get(_MEDIA_TYPE, {})
    return json.dumps(content["example"]).encode() if "example" in content else None


async def prepared(load: Load, path: str, body: bytes, patience: float) -> Request:
    """The request, with the right answer if there is one.

    Raises:
        UsageError: it is not answered while nothing is broken.
    """
    request = Request(encode(path, body), patience=patience)
    answers = set()
    for _ in range(_TRIES):
        outcome = await load.send(request)
        if outcome.verdict is not Verdict.ANSWERED:
            said = outcome.body[:200].decode("utf-8", "replace") or outcome.verdict.value
            raise UsageError(
                f"POST {path} is answered {outcome.status or 'not at all'} before anything is "
                f"broken: {said}: --request PATH BODY takes one that works"
            )
        answers.add(outcome.body)
    expected = answers.pop() if len(answers) == 1 else None
    return Request(request.data, expected, patience)
