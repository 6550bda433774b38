"""A step of a start, tried again where that may help; knows no step."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from minibento.processes.supervisor.failure import StartFailed

__all__ = ["tried"]

_LOG = logging.getLogger("minibento")
T = TypeVar("T")


async def tried(
    step: Callable[[], Awaitable[T]],
    tries: int,
    hopeless: Callable[[StartFailed], bool] = lambda _: False,
) -> T:
    """What the step gives at the first of `tries` tries that does not fail.

    Args:
        hopeless: Whether this failure would be the next try's too, beside those that are final.

    Raises:
        StartFailed: the last try failed, or one after which none helps.
    """
    while True:
        tries -= 1
        try:
            return await step()
        except StartFailed as failure:
            if failure.final or hopeless(failure) or tries <= 0:
                raise
            _LOG.warning("%s; trying again", failure)
