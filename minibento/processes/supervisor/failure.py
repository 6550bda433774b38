"""That a process did not become ready, and why; knows no process."""

from typing import Any

from minibento.errors import MinibentoError

__all__ = ["StartFailed"]


class StartFailed(MinibentoError):
    """A nursery or worker did not become ready.

    Attributes:
        traceback: Of the user's code that raised; `""` if it was not that.
        final: Whether another try would fail in the same way.
    """

    def __init__(self, said: str, traceback: str = "", *, final: bool = False) -> None:
        super().__init__(said)
        self.traceback = traceback
        self.final = final

    @classmethod
    def told(cls, failed: dict[str, Any]) -> "StartFailed":
        """What a child has told of its failure."""
        return cls(failed["said"], failed["traceback"], final=failed["final"])
