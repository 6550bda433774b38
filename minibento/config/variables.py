"""Values given by `MINIBENTO_...` variables; two underscores stand between a key and one below it.

Names of runners are case-insensitive here, since variables are written in capitals by custom.
"""

import re
from collections.abc import Mapping

from minibento.config.given import Given, Layer, add
from minibento.config.keys import KEYS, Path, kind_of, leaves
from minibento.config.settings import EACH
from minibento.errors import ConfigError

__all__ = ["from_variables"]

_BEFORE = "MINIBENTO_"
_BETWEEN = "__"
# Read where they are meant: the store's folder, the run directory, the bundle that is served.
_OTHERS = frozenset({"MINIBENTO_HOME", "MINIBENTO_RUN_DIR", "MINIBENTO_BUNDLE"})
# Kubernetes gives each container the addresses of a Service that happens to be called minibento.
_LINKED = re.compile(r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)\Z")
_LINKED_PORT = re.compile(r"(tcp|udp|sctp)://")


def from_variables(environment: Mapping[str, str]) -> Layer:
    """The values of the variables that begin with `MINIBENTO_`; an empty one is not given.

    Raises:
        ConfigError: a variable that stands for no key.
    """
    layer: dict[Path, Given] = {}
    for name in sorted(environment):
        value = environment[name]
        if name.startswith(_BEFORE) and value and not _is_another(name, value):
            path = _path(name)
            add(layer, path, Given(value, name, name))
    return layer


def _is_another(name: str, value: str) -> bool:
    rest = name.removeprefix(_BEFORE)
    if name in _OTHERS:
        return True
    if _BETWEEN in rest:
        return False
    linked_port = rest.endswith("PORT") and _LINKED_PORT.match(value) is not None
    return linked_port or _LINKED.match(rest) is not None


def _path(name: str) -> Path:
    parts = name.removeprefix(_BEFORE).split(_BETWEEN)
    path = tuple(part.lower() for part in parts)
    if path[0] == "runners" and path[2:3] == ("env",) and len(parts) > 3:
        path = (*path[:3], _BETWEEN.join(parts[3:]))  # a variable's own name stays as it is
    section = path[0].partition("_")[0]
    if path[0] not in KEYS and isinstance(KEYS.get(section), dict):
        raise ConfigError(
            f"{name}: unknown key {path[0]!r}: two underscores stand between a key and one below "
            f"it, such as {_example(section)}"
        )
    kind_of(path, name)
    return path


def _example(section: str) -> str:
    first = next(path for path, _ in leaves() if path[0] == section)
    return _BEFORE + _BETWEEN.join(first).upper().replace(EACH, "MODEL")
