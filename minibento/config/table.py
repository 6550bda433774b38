"""What `--show-config` prints: each value and where it came from; knows no terminal."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minibento.config.keys import dotted, leaves
from minibento.config.layers import Resolved
from minibento.config.runners import real_names
from minibento.config.settings import EACH

__all__ = ["COLUMNS", "Row", "document", "rows"]

COLUMNS = ("KEY", "VALUE", "FROM")
# Variables that are likely to hold what nobody else should read.
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|PRIVATE", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """One value: its dotted key, itself, and who said it."""

    key: str
    value: Any
    origin: str

    def cells(self) -> tuple[str, str, str]:
        """It as words for a table."""
        return self.key, _words(self.value), self.origin


def rows(resolved: Resolved, declared: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[Row]:
    """Every key with its value, in the order of the keys.

    Args:
        resolved: What is configured.
        declared: What the service says, with its runners by name:
            `{"name": ..., "timeout": 5.0, "runners": {"model": {"workers": 1, ...}}}`.
        defaults: What it says where its code says nothing, in the same form, with the options of
            every runner below `"runners"` and `"*"`: who declared a default has declared nothing.
    """
    names = list(declared.get("runners", {}))
    real = real_names(resolved.config.runners, names)
    origins = {_renamed(key, real): origin for key, origin in resolved.origins.items()}
    values = _flat(resolved.config.to_json(), real)
    known = [path for path, _ in leaves() if path[0] != "runners"]
    known += _runner_keys(names, values)
    return [_row(path, values, origins, declared, defaults) for path in known]


def document(found: list[Row]) -> dict[str, dict[str, Any]]:
    """The same for machines: by key, value and origin."""
    return {row.key: {"value": row.value, "from": row.origin} for row in found}


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _row(
    path: tuple[str, ...],
    values: Mapping[tuple[str, ...], Any],
    origins: Mapping[str, str],
    declared: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> Row:
    key, value = dotted(path), values.get(path)
    if key in origins:
        secret = path[2:3] == ("env",) and _SECRET.search(path[3])
        return Row(key, "(hidden)" if secret else value, origins[key])
    if value is not None:
        return Row(key, value, "default")
    said = _at(declared, path)
    usual = _at(defaults, (path[0], EACH, *path[2:]) if path[0] == "runners" else path)
    return Row(key, said, "default" if said is None or said == usual else "decorator")


def _runner_keys(
    names: list[str], values: Mapping[tuple[str, ...], Any]
) -> Iterator[tuple[str, ...]]:
    options = [path[2] for path, _ in leaves() if path[0] == "runners" and path[2] != "env"]
    for name in names:
        yield from (("runners", name, option) for option in options)
        yield from (path for path in values if path[:3] == ("runners", name, "env"))


def _renamed(key: str, real: Mapping[str, str]) -> str:
    parts = key.split(".", 2)
    return dotted((parts[0], real[parts[1]], *parts[2:])) if parts[0] == "runners" else key


def _flat(document: Any, real: Mapping[str, str]) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}

    def walk(node: Any, path: tuple[str, ...]) -> None:
        if not isinstance(node, dict):
            found[path] = node
            return
        for key, inner in node.items():
            walk(inner, (*path, real[key] if path == ("runners",) else key))

    walk(document, ())
    return found


def _at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    node: Any = document
    for part in path:
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
