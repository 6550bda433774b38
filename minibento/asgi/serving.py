"""How a service is served, which is not its author's choice but its operator's; plain data."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from minibento.asgi.body import MAX_BODY
from minibento.asgi.room import MAX_ROOM
from minibento.config.settings import Config
from minibento.metrics import Family
from minibento.services.method import Method

__all__ = ["MetricsSource", "Serving"]

# The families of a whole server, each as plain JSON.
MetricsSource = Callable[[], Awaitable[list[Family]]]


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server says to a service before it starts it.

    Attributes:
        access_log: Whether each request is logged.
        timings: Whether answers carry `Server-Timing` and `Minibento-Model`.
        timeout: Seconds until an answer is due, instead of the service's own; a method that was
            given one keeps it.
        admission: Whether a call of a `def` method is refused that is predicted to wait too long
            for a thread.
        max_body: Bytes of the largest body that is read.
        max_room: Bytes of all large bodies that are held at once.
        show_errors: Whether the answer to an unexpected error shows its last line and its place
            in the user's code; for development.
        metrics_source: Where `/metrics` has its numbers from; None: this process.
    """

    access_log: bool = False
    timings: bool = False
    timeout: float | None = None
    admission: bool = True
    max_body: int = MAX_BODY
    max_room: int = MAX_ROOM
    show_errors: bool = False
    metrics_source: MetricsSource | None = None

    def timeout_of(self, method: Method) -> float:
        """Seconds until an answer of this method is due."""
        if self.timeout is None or method.options.timeout is not None:
            return method.timeout
        return self.timeout

    @classmethod
    def configured(cls, config: Config) -> "Serving":
        """What the configuration says of it."""
        return cls(
            access_log=config.access_log,
            timings=config.timings,
            timeout=config.timeout,
            admission=config.api_admission,
            max_body=config.limits.body_bytes,
            max_room=config.limits.total_body_bytes,
        )
