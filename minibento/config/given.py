"""One value as somebody gave it, and where; knows neither keys nor what they take."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minibento.config import keys
from minibento.errors import ConfigError

__all__ = ["Given", "Layer", "add"]


@dataclass(frozen=True, slots=True)
class Given:
    """A value that somebody wrote.

    Attributes:
        text: As it was written.
        place: Where, as an error names it: `--port`, `MINIBENTO_PORT`, `config.yaml:3`.
        origin: The same as `--show-config` names it: `flag --port`, `file config.yaml:3`.
        folder: From where a relative path in it is meant; None: the current one.
    """

    text: str
    place: str
    origin: str
    folder: Path | None = None


Layer = Mapping[keys.Path, Given]


def add(layer: dict[keys.Path, Given], path: keys.Path, given: Given) -> None:
    """Put a value into a layer.

    Raises:
        ConfigError: the layer has one for that key.
    """
    if path in layer:
        raise ConfigError(
            f"{keys.dotted(path)} is given twice, by {layer[path].place} and by {given.place}: "
            "keep one of them"
        )
    layer[path] = given
