"""What differs between two OpenAPI documents, and what of it breaks callers; a pure function.

A caller breaks if what it sends is refused from now on, or what it reads is not there any more.
So requests may only ask for less and accept more; answers may only hold more and vary less.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Change", "changes"]

Document = Mapping[str, Any]
Side = Literal["request", "answer"]

# Of a bound, whether a larger number accepts more.
_BOUNDS = {
    "maximum": True,
    "exclusiveMaximum": True,
    "maxLength": True,
    "maxItems": True,
    "maxProperties": True,
    "minimum": False,
    "exclusiveMinimum": False,
    "minLength": False,
    "minItems": False,
    "minProperties": False,
}
_DEEPEST = 40  # schemas may name themselves


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        where: `POST /classify, request, age`.
        what: In words.
        breaking: Whether callers of the old document may fail.
    """

    where: str
    what: str
    breaking: bool


def changes(old: Document, new: Document) -> list[Change]:
    """Everything that differs between the methods of two documents, in the order of their paths."""
    found: list[Change] = []
    before, after = old.get("paths", {}), new.get("paths", {})
    for path in sorted({*before, *after}):
        where = f"POST {path}"
        if path not in after:
            found.append(Change(where, "is gone", True))
        elif path not in before:
            found.append(Change(where, "is new", False))
        else:
            found += _Comparison(old, new).operation(where, before[path], after[path])
    return found


class _Comparison:
    """Of two documents whose schemas refer to their own components."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new

    def operation(self, where: str, old: Document, new: Document) -> Iterator[Change]:
        before, after = old.get("post", {}), new.get("post", {})
        request = (
            self._contents(before.get("requestBody")),
            self._contents(after.get("requestBody")),
        )
        yield from self._media(f"{where}, request", "request", *request)
        answers, now = before.get("responses", {}), after.get("responses", {})
        for status in sorted({*answers, *now}):
            if not status.startswith("2"):
                continue  # how failures look is the same for all services
            pair = self._contents(answers.get(status)), self._contents(now.get(status))
            yield from self._media(f"{where}, answer", "answer", *pair)

    @staticmethod
    def _contents(body: Document | None) -> Document:
        return {
            name: one.get("schema", {}) for name, one in (body or {}).get("content", {}).items()
        }

    def _media(self, where: str, side: Side, old: Document, new: Document) -> Iterator[Change]:
        for name in sorted({*old, *new}):
            if name not in new:
                yield Change(where, f"{name} is gone", True)
            elif name not in old:
                # A caller that has sent nothing must send something from now on.
                yield Change(where, f"{name} is new", side == "request" and not old)
            else:
                yield from self._schema(where, side, old[name], new[name], 0)

    def _schema(
        self, where: str, side: Side, old: Document, new: Document, depth: int
    ) -> Iterator[Change]:
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if depth > _DEEPEST or (old == new and _local(old) and _local(new)):
            return
        yield from _types(where, side, old, new)
        yield from _bounds(where, side, old, new)
        yield from _pattern(where, side, old, new)
        yield from self._properties(where, side, old, new, depth)
        if "items" in old and "items" in new:
            yield from self._schema(f"{where}[]", side, old["items"], new["items"], depth + 1)

    def _properties(
        self, where: str, side: Side, old: Document, new: Document, depth: int
    ) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed, now_needed = set(old.get("required", ())), set(new.get("required", ()))
        for name in sorted({*before, *after}):
            at = f"{where}, {name}"
            if name not in after:
                # A request with it is refused unless the model says otherwise.
                refused = new.get("additionalProperties", True) is False
                yield Change(at, "is gone", side == "answer" or refused)
            elif name not in before:
                must = name in now_needed
                said = "is new and required" if side == "request" and must else "is new"
                yield Change(at, said, side == "request" and must)
            else:
                yield from _necessity(at, side, name in needed, name in now_needed)
                yield from self._schema(at, side, before[name], after[name], depth + 1)


def _resolved(document: Document, schema: Document) -> Document:
    """What a reference stands for; one that leads nowhere accepts anything."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            return schema
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            key = part.replace("~1", "/").replace("~0", "~")
            found = found.get(key, {}) if isinstance(found, Mapping) else {}
        schema = found
    return {}


def _local(schema: Any) -> bool:
    """Whether no reference is in it, so that equal text means equal."""
    if isinstance(schema, Mapping):
        return "$ref" not in schema and all(map(_local, schema.values()))
    return all(map(_local, schema)) if isinstance(schema, list) else True


def _necessity(where: str, side: Side, old: bool, new: bool) -> Iterator[Change]:
    if old != new:
        said = "is required now" if new else "may be left out now"
        yield Change(where, said, new if side == "request" else old)


def _types(where: str, side: Side, old: Document, new: Document) -> Iterator[Change]:
    before, after = _accepted(old), _accepted(new)
    gone, added = before - after, after - before
    if "any" in after and side == "request":
        gone = set()
    if gone:
        yield Change(where, f"no longer {_listed(gone)}", side == "request" or not (after & before))
    if added:
        yield Change(where, f"now also {_listed(added)}", side == "answer")


def _accepted(schema: Document) -> set[str]:
    """The types or values that a schema takes; numbers include integers."""
    if "const" in schema:
        return {repr(schema["const"])}
    if "enum" in schema:
        return {repr(one) for one in schema["enum"]}
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return {part for one in schema[key] for part in _accepted(one)}
    if "$ref" in schema:
        return {str(schema["$ref"]).rpartition("/")[2]}
    named = schema.get("type", "any")
    kinds = {named} if isinstance(named, str) else set(named)
    return kinds | {"integer"} if "number" in kinds else kinds


def _bounds(where: str, side: Side, old: Document, new: Document) -> Iterator[Change]:
    for name, larger_accepts_more in _BOUNDS.items():
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        if before is None or after is None:
            tighter = before is None
        else:
            tighter = (after < before) is larger_accepts_more
        said = f"{name} is {after}" if after is not None else f"{name} is gone"
        was = f", was {before}" if before is not None else ""
        yield Change(where, said + was, tighter if side == "request" else not tighter)


def _pattern(where: str, side: Side, old: Document, new: Document) -> Iterator[Change]:
    """Whether one pattern takes all that another does, nobody can tell: any new one may break."""
    before, after = old.get("pattern"), new.get("pattern")
    if before != after:
        breaking = after is not None if side == "request" else before is not None
        yield Change(where, f"pattern is {after!r}, was {before!r}", breaking)


def _listed(names: set[str]) -> str:
    return " or ".join(sorted(names))
