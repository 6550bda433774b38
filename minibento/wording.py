"""How errors name what came and what was meant; knows neither values' meanings nor commands."""

import json
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["did_you_mean", "sentence", "shown", "shown_json"]

_MANY = 20


def shown(value: object, longest: int = 100) -> str:
    """A value's repr, cut after `longest` characters; never an error of its own."""
    if isinstance(value, str | bytes):
        text = repr(value[: longest + 1])
    elif isinstance(value, dict | list) and len(value) > _MANY:
        text = f"{type(value).__name__} of {len(value)} entries"
    elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1000:
        text = f"an integer of {value.bit_length()} bits"
    else:
        try:
            text = repr(value)
        except Exception:  # noqa: BLE001 - a user's own __repr__
            return f"a value of type {type(value).__name__}"
    return text if len(text) <= longest else text[: longest - 3] + "..."


def shown_json(value: object, longest: int = 100) -> str:
    """The same for what came as JSON: `null`, `true` and `false` are called as there."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, dict | list) and len(value) <= _MANY:
        try:
            text = json.dumps(value, ensure_ascii=False)
        except (TypeError, ValueError, RecursionError):
            return shown(value, longest)
        return text if len(text) <= longest else text[: longest - 3] + "..."
    return shown(value, longest)


def did_you_mean(given: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean 'predict'?` for the nearest known name; `otherwise` where none is near."""
    near = get_close_matches(given, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def sentence(text: str) -> str:
    """The text as one that another can follow: it ends with one full stop, or as it asks."""
    text = text.rstrip()
    return text if text.endswith(("!", "?")) else f"{text.rstrip('.')}."
