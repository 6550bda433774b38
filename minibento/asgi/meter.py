"""What is counted and logged of each request to one method; knows no HTTP."""

from collections.abc import Callable

from starlette.types import Scope

from minibento.call import Call
from minibento.metrics import Metrics, Value

__all__ = ["LogLine", "Meter"]

LogLine = Callable[[Scope, str, int, float, Call], None]


class Meter:
    """The cells of one method in the process's metrics, looked up once."""

    __slots__ = ("_api", "_by_status", "_in_flight", "_line", "_requests", "_seconds")

    def __init__(self, metrics: Metrics, api: str, line: LogLine | None) -> None:
        self._api = api
        self._line = line
        self._requests = metrics.counter(
            "minibento_requests_total", "Requests answered.", ("api", "status")
        )
        self._seconds = metrics.histogram(
            "minibento_request_seconds", "From the first byte to the answer.", ("api",)
        ).histogram(api)
        self._in_flight = metrics.gauge(
            "minibento_requests_in_flight", "Requests not answered yet.", ("api",)
        ).value(api)
        self._by_status: dict[int, Value] = {}

    def begin(self) -> None:
        """A request has come."""
        self._in_flight.number += 1

    def end(self, status: int, seconds: float, call: Call, scope: Scope) -> None:
        """A request has been answered, or given up by its client (499)."""
        self._in_flight.number -= 1
        cell = self._by_status.get(status)
        if cell is None:
            cell = self._by_status[status] = self._requests.value(self._api, str(status))
        cell.number += 1
        self._seconds.observe(seconds)
        if self._line is not None:
            self._line(scope, self._api, status, seconds, call)
