"""All sources of configuration in their order: flag, variable, file, then the defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minibento.config.command_line import from_flags
from minibento.config.given import Given, Layer
from minibento.config.keys import Path as Key
from minibento.config.keys import dotted, kind_of
from minibento.config.settings import Config, built
from minibento.config.variables import from_variables
from minibento.errors import ConfigError
from minibento.wording import shown

__all__ = ["Resolved", "read"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What is configured, and by whom.

    Attributes:
        config: The values.
        origins: Where each came from that somebody gave, by dotted key.
    """

    config: Config
    origins: Mapping[str, str]


def read(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None) -> Resolved:
    """Read every source; the first in this order that gives a key decides.

    Args:
        flags: Values of options by dotted key (`port`, `log.format`), None: not given; `set` holds
            texts such as `runners.model.workers=2`.
        environment: Variables, of which those that begin with `MINIBENTO_` count.
        file: The YAML file, if there is one.

    Raises:
        ConfigError: an unknown key or a wrong value, also one that another source overrides.
    """
    said = from_flags(flags)
    written = _in_file(file) if file is not None else {}
    layers = (said, _spelled(from_variables(environment), written, said), written)
    values: dict[Key, Any] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for path, given in layer.items():
            value = _value(path, given)
            if path not in values:
                values[path] = value
                origins[dotted(path)] = given.origin
    try:
        return Resolved(built(Config, _nested(values)), origins)
    except LookupError as error:  # of TLS, the only section with keys that have no default
        raise ConfigError(
            f"tls.{error.args[0]} is missing: tls takes certificate and key"
        ) from error


def _in_file(file: Path) -> Layer:
    from minibento.config.yaml_file import from_file  # loads yaml, 15 ms

    return from_file(file)


def _value(path: Key, given: Given) -> Any:
    kind = kind_of(path, given.place)
    try:
        value = kind.read(given.text)
    except ValueError:
        raise ConfigError(
            f"{given.place}: {dotted(path)} is {shown(given.text)}, must be {kind.accepts}"
        ) from None
    if not kind.is_path:
        return value
    file = Path(given.folder or Path.cwd(), value)
    if not os.access(file, os.R_OK) or not file.is_file():
        raise ConfigError(
            f"{given.place}: {dotted(path)}: {file} is no file that this user can read, "
            f"must be {kind.accepts}"
        )
    return str(file)


def _spelled(variables: Layer, *others: Layer) -> Layer:
    """Variables with each runner's name as another source writes it: they know no small letters."""
    written = {path[1].lower(): path[1] for one in others for path in one if path[0] == "runners"}
    return {
        (path[0], written.get(path[1], path[1]), *path[2:]) if path[0] == "runners" else path: given
        for path, given in variables.items()
    }


def _nested(values: Mapping[Key, Any]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for (*sections, last), value in values.items():
        node = root
        for section in sections:
            node = node.setdefault(section, {})
        node[last] = value
    return root
