"""What is asked of a registry, and how it may fail for a while; sends nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from minibento.errors import RemoteError
from minibento.remotes.base import Content

__all__ = ["Again", "Request"]


class Again(Exception):
    """A failure that may pass; it does not leave this room.

    Attributes:
        error: What is wrong if it does not pass.
        undone: The registry said that it has done nothing, so anything may be repeated.
        retry_after: What it asked for.
    """

    def __init__(
        self, error: RemoteError, *, undone: bool = False, retry_after: str | None = None
    ) -> None:
        super().__init__(str(error))
        self.error = error
        self.undone = undone
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Attributes:
        body: Its bytes, from the beginning at each call.
        ok: The statuses that are answers; others are failures.
        silence: Seconds that the answer may take to begin; None: as the session says.
        bare: It is not for the registry itself: no redirects, no 401 that one could answer.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Content | None = None
    ok: tuple[int, ...] = (200,)
    silence: float | None = None
    bare: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether asking twice is the same as asking once."""
        return self.method in {"GET", "HEAD"}
