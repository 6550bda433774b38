"""What the workers of one nursery have in common; plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Kind"]


@dataclass(slots=True)
class Kind:
    """What the workers of a nursery are.

    Attributes:
        title: `api` or `runner model`.
        first: The document that says what to prepare.
        environment: Variables beside the supervisor's own.
        forks: Whether workers are forked; else each is started afresh and loads for itself.
        start_timeout: Seconds that preparing, or a fresh worker's start, may take.
        terminal: Whether its processes keep the terminal's input.
        python: Their interpreter; None: the supervisor's own.
    """

    title: str
    first: dict[str, Any]
    environment: Mapping[str, str]
    forks: bool
    start_timeout: float
    terminal: bool
    python: Path | None = None
