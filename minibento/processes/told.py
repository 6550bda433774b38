"""What went wrong in a child, as the supervisor passes it on; plain data."""

import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

from minibento.errors import MinibentoError
from minibento.processes.user_module import is_own, located

__all__ = ["told"]


def told(error: BaseException, folder: Path) -> dict[str, Any]:
    """The failure in one line, its traceback, and whether trying again is of no use.

    Args:
        folder: Of the user's code, whose own lines are named.
    """
    ours = isinstance(error, MinibentoError)
    return {
        "said": str(error) if ours else located(error, folder),
        "traceback": _of_cause(error, folder) if ours else _shown(error, folder),
        "final": ours,
    }


def _of_cause(error: BaseException, folder: Path) -> str:
    """What the user's code raised, if one of our own errors is about that."""
    cause = error.__cause__
    if cause is None or not (isinstance(cause, SyntaxError) or _own(cause.__traceback__, folder)):
        return ""
    return _shown(cause, folder)


def _shown(error: BaseException, folder: Path) -> str:
    """The traceback from where the user's code begins, if it comes to that."""
    own = _own(error.__traceback__, folder)
    if own is None and not isinstance(error, SyntaxError):  # that one is nobody's step
        own = error.__traceback__
    return "".join(traceback.format_exception(type(error), error, own))


def _own(step: TracebackType | None, folder: Path) -> TracebackType | None:
    while step is not None and not is_own(Path(step.tb_frame.f_code.co_filename), folder):
        step = step.tb_next
    return step
