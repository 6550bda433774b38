"""What JSON forbids and the fast parser lets through; knows bytes, no hints.

The parser takes the last of two equal keys, `NaN`, `1e999` and any depth up to 200. Looking for
these with a second parser would double the cost of a request, so `check` first asks questions that
cost a tenth of a microsecond each and whose usual answer proves that nothing is wrong.
"""

import json
import math
import re
from typing import Any, NoReturn

from minibento.io.base import Refused

__all__ = ["MAX_DEPTH", "NOTHING_KNOWN", "check", "malformed"]

MAX_DEPTH = 100
NOTHING_KNOWN = -1
# Digits become 0 and signs go, so that any exponent of three digits reads `e000`; one letter
# stands for both brackets, one for the first letters of NaN and Infinity.
_SHAPE = bytes.maketrans(b"123456789E{I", b"000000000e[N")
_SIGNS = b"+-"
_N = ord("N")
_LONG_NUMBER = b"0" * 300
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_BRACES_TO_BRACKETS = bytes.maketrans(b"{}", b"[]")
# Possessive: a long string would cost eighty times its size in places to go back to.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_POSITION = re.compile(r"(.*) at line (\d+) column (\d+)\Z", re.DOTALL)


def check(body: bytes, keys: int) -> None:
    """Refuse a body that the fast parser has accepted and that is still no strict JSON.

    Args:
        body: Well-formed apart from what is looked for here.
        keys: Different keys known to be in it: with as many colons, no key comes twice.
            NOTHING_KNOWN: look at every key.

    Raises:
        Refused: 400, with what is wrong.
    """
    shape = body.translate(_SHAPE, _SIGNS)
    if not body.isascii():
        _check_text(body)
    if shape.count(b"[") > MAX_DEPTH:
        _check_depth(body)
    if (
        shape.count(b":") != keys
        or b"e000" in shape
        or (_N in shape and (b"NaN" in body or b"Infinity" in body))
        or (len(shape) > 300 and _LONG_NUMBER in shape)
    ):
        _parse_again(body)


def malformed(body: bytes, message: str) -> Refused:
    """The refusal for a parser's message that ends in `at line 1 column 4`."""
    if not body.strip():
        return Refused(400, "the body is empty: send JSON")
    if body.startswith(b"\xef\xbb\xbf"):
        return Refused(400, "the JSON begins with a byte order mark: send UTF-8 without one")
    try:
        _check_text(body)
    except Refused as refused:
        return refused
    found = _POSITION.match(message)
    if found is None:
        return Refused(400, f"the body is not JSON: {message}")
    what, line, column = found[1], int(found[2]), int(found[3])
    before = body.split(b"\n")[: line - 1]
    offset = min(sum(map(len, before)) + len(before) + max(column - 1, 0), len(body))
    where = f"line {line} column {column} (byte {offset})"
    return Refused(400, f"the body is not JSON: {what} at {where}")


def _check_text(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            400,
            f"the body is not UTF-8: {error.reason}, "
            f"0x{body[error.start]:02x} at byte {error.start}",
        ) from None


def _check_depth(body: bytes) -> None:
    """Count exactly, by taking away the innermost pair of brackets of each branch per round."""
    brackets = _STRING.sub(b"", body).translate(_BRACES_TO_BRACKETS, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise Refused(400, f"the JSON is nested deeper than {MAX_DEPTH} levels")


def _parse_again(body: bytes) -> None:
    try:
        json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_finite,
        )
    except Refused:
        raise
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}") from None


def _no_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refused(400, f"the JSON has the key {key[:100]!r} twice in one object")
            seen.add(key)


def _no_constant(name: str) -> NoReturn:
    raise Refused(400, f"{name} is not JSON: send null, or leave the field out")


def _finite(digits: str) -> None:
    if math.isinf(float(digits)):
        raise Refused(400, f"the number {digits[:40]} is too large: at most 1.8e308")
