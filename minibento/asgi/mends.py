"""What to tell callers who send a body in the other form; knows bodies and parameter names."""

from typing import Any

from pydantic_core import from_json

from minibento.io.base import Refused
from minibento.services.method import Method

__all__ = ["mended"]


def mended(refused: Refused, body: bytes, method: Method) -> Refused:
    """The refusal, with the mend in front if the body has the form for another signature.

    A method of one parameter takes its value, one of several an object with a key for each.
    """
    if refused.status != 422:
        return refused
    mend = _mend(from_json(body), method.parameters)
    if mend is None:
        return refused
    return Refused(422, f"{mend} ({refused.detail})", refused.flaws)


def _mend(value: Any, parameters: tuple[str, ...]) -> str | None:
    if len(parameters) == 1:
        if isinstance(value, dict) and list(value) == list(parameters):
            return f"the body is the value of {parameters[0]!r} itself: send it without that key"
        return None
    if parameters and not (isinstance(value, dict) and set(value) & set(parameters)):
        keys = ", ".join(parameters)
        return f"this method takes several values: send an object with the keys {keys}"
    return None
