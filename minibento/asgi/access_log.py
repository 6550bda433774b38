"""One log line per request; knows what a call noted on its way, not how the line looks."""

import logging

from starlette.types import Scope

from minibento.call import Call

__all__ = ["write_line"]

_LOG = logging.getLogger("minibento.access")


def write_line(scope: Scope, api: str, status: int, seconds: float, call: Call) -> None:
    """Log one request that has been answered; 499: its client had gone."""
    line: dict[str, object] = {
        "request_id": call.request_id,
        "api": api,
        "status": status,
        "ms": round(seconds * 1000, 3),
    }
    if call.batch_size:
        line["model_version"] = call.model_version
        line["batch_size"] = call.batch_size
    client = scope.get("client")
    if client:
        line["client"] = client[0]
    _LOG.info("", extra=line)
