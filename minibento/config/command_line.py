"""Values given on the command line: options of their own and `--set key=value`; knows no click."""

from collections.abc import Mapping
from typing import Any

from minibento.config.given import Given, Layer, add
from minibento.config.keys import Path, dotted, kind_of
from minibento.errors import ConfigError
from minibento.wording import shown

__all__ = ["from_flags"]


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
    for one in flags.get("set") or ():
        key, equals, value = one.partition("=")
        key = key.strip()
        place = f"--set {key}"
        if not equals:
            raise ConfigError(
                f"--set {shown(one)} has no value: write --set {one or 'runners.model.workers'}=2"
            )
        path = _path(key)
        kind_of(path, place)
        add(layer, path, Given(value.strip(), place, f"flag {place}"))
    return layer


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
