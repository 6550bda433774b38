"""The event loop of the worker processes; uvloop where it is there."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from typing import Any

__all__ = ["load", "run"]


def load() -> None:
    """Import what `run` needs, in a process whose copies will run a loop."""
    with suppress(ImportError):
        import_module("uvloop")


def run(work: Coroutine[Any, Any, int]) -> int:
    """Run until `work` is done."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)
