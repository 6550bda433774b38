"""Pydantic's complaints in our own words: which field, what was expected, what came."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from minibento.io.base import BadAnswer, Flaw, Refused
from minibento.io.strict_json import malformed
from minibento.wording import shown_json

__all__ = ["refusal", "refusal_of", "refuse_keys", "unlike_hint"]

_MOST = 50
_MISSING = frozenset({"missing", "missing_argument"})
_EXTRA = frozenset({"extra_forbidden", "unexpected_keyword_argument"})
_TOO_MANY = 10_000


def refusal(error: ValidationError, body: bytes) -> Refused:
    """The refusal of a body that failed validation: 400 if it is no JSON, else 422."""
    if error.error_count() > _TOO_MANY:
        # Each would become a dict with its input: minutes and gigabytes for a large body.
        return Refused(422, f"{error.error_count():,} places are wrong: send fewer to see which")
    found = error.errors(include_url=False, include_context=True)
    if found[0]["type"] == "json_invalid":
        return malformed(body, str(found[0].get("ctx", {}).get("error", found[0]["msg"])))
    return _refused([dict(entry) for entry in found])


def refusal_of(error: PydanticCustomError) -> Refused:
    """The refusal of a value that was no JSON, for a complaint about it of our own."""
    entry = {"type": error.type, "loc": (), "msg": error.message(), "ctx": error.context or {}}
    return _refused([{**entry, "input": None}])


def refuse_keys(error: ValidationError) -> None:
    """Raise the refusal if among what failed there are keys that are missing or too many."""
    if error.error_count() <= _TOO_MANY:
        found = error.errors(include_url=False, include_context=False)
        wrong = [dict(entry) for entry in found if entry["type"] in _MISSING | _EXTRA]
        if wrong:
            raise _refused(wrong)


def unlike_hint(error: ValidationError) -> BadAnswer:
    """The error for an answer that failed validation."""
    said = f"{error.error_count():,} places are wrong"
    if error.error_count() <= _TOO_MANY:
        found = error.errors(include_url=False, include_context=True)
        flaws = [_flaw(dict(entry)) for entry in found[:3]]
        said = _in_words(flaws, len(found), "it")
    return BadAnswer(f"the answer is not what its hint says: {said}")


def _refused(found: list[dict[str, Any]]) -> Refused:
    flaws = tuple(_flaw(entry) for entry in found[:_MOST])
    return Refused(422, _in_words(flaws[:3], len(found), "the body"), flaws)


def _in_words(flaws: Sequence[Flaw], count: int, whole: str) -> str:
    """The first ones, and how many of the `count` are not among them."""
    more = f"; and {count - len(flaws)} more" if count > len(flaws) else ""
    return "; ".join(_sentence(flaw, whole) for flaw in flaws) + more


def _flaw(entry: dict[str, Any]) -> Flaw:
    place = [*entry["loc"], *entry.get("ctx", {}).get("at", ())]
    field = ".".join(str(part) for part in place)
    kind = entry["type"]
    came = entry.get("ctx", {}).get("got", entry["input"])
    if kind in _MISSING:
        return Flaw(field, "this field is required")
    if kind in _EXTRA:
        return Flaw(field, "no such field is accepted", shown_json(entry["input"]))
    return Flaw(field, _lower(entry["msg"]), shown_json(came))


def _lower(message: str) -> str:
    return message.removeprefix("Input ").removeprefix("Value error, ")


def _sentence(flaw: Flaw, whole: str) -> str:
    got = "" if flaw.got is None else f", got {flaw.got}"
    return f"{flaw.field or whole}: {flaw.expected}{got}"
