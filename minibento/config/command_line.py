"""Values given on the command line: options of their own and `--set key=value`; knows no click."""

from collections.abc import Iterable, Mapping
from typing import Any

from minibento.config.given import Given, Layer, add
from minibento.config.keys import Path, dotted, kind_of
from minibento.errors import ConfigError
from minibento.wording import shown

__all__ = ["from_flags", "pairs"]


def from_flags(flags: Mapping[str, Any]) -> Layer:
    """The values of options, by dotted key; None: not given. `set`: texts such as `port=80`.

    Raises:
        ConfigError: an unknown key, or a text in `set` that is no `key=value`.
    """
    layer: dict[Path, Given] = {}
    for key, value in flags.items():
        if key != "set" and value is not None:
            place = _option(key, value)
            path = tuple(key.split("."))
            kind_of(path, place)
            add(layer, path, Given(_text(value), place, f"flag {place}"))
    for key, value in pairs(flags.get("set") or ()):
        place = f"--set {key}"
        path = _path(key)
        kind_of(path, place)
        add(layer, path, Given(value, place, f"flag {place}"))
    return layer


def pairs(texts: Iterable[str]) -> list[tuple[str, str]]:
    """Key and value of each text such as `port=80`; whether there is such a key is not looked at.

    Raises:
        ConfigError: one has no value.
    """
    found = []
    for one in texts:
        key, equals, value = one.partition("=")
        if not equals:
            written = f"--set {one.strip().rstrip(':') or 'port'}=VALUE"
            raise ConfigError(f"--set {shown(one)} has no value: write {written}, as one word")
        found.append((key.strip(), value.strip()))
    return found


def _path(key: str) -> Path:
    """The key's parts; the name of a variable is one, whatever dots it has."""
    parts = key.split(".")
    if parts[0] == "runners" and parts[2:3] == ["env"] and len(parts) > 3:
        return (*parts[:3], dotted(parts[3:]))
    return tuple(parts)


def _option(key: str, value: Any) -> str:
    words = key.replace(".", "-").replace("_", "-")
    return f"--no-{words}" if value is False else f"--{words}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
