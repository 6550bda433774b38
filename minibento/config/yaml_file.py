"""Values given by the YAML file of `serve --config`, with their lines; builds no object of it."""

from pathlib import Path

from yaml import (
    MappingNode,
    MarkedYAMLError,
    Node,
    SafeLoader,
    ScalarNode,
    YAMLError,
)

from minibento.config import keys
from minibento.config.given import Given, Layer
from minibento.config.kinds import Kind
from minibento.config.settings import EACH, Tree
from minibento.errors import ConfigError
from minibento.wording import shown

__all__ = ["from_file"]

_KNOWN = "tag:yaml.org,2002:"
_NULL = f"{_KNOWN}null"


def from_file(path: Path) -> Layer:
    """The values that stand in the file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or has an unknown or repeated key.
    """
    try:
        loader = SafeLoader(path.read_text("utf-8"))
        root = loader.get_single_node()
        return {} if root is None else _File(path, loader).values(root)
    except MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: not YAML: {error.problem}") from error
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply: keys are at most four deep") from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
        raise ConfigError(f"{path} cannot be read: {said}: check --config") from error


class _File:
    """One file, walked along the tree of keys."""

    def __init__(self, path: Path, loader: SafeLoader) -> None:
        self._path = path
        self._loader = loader
        self._found: dict[keys.Path, Given] = {}
        self._flat: set[Node] = set()

    def values(self, root: Node) -> Layer:
        self._section(root, keys.KEYS, ())
        return self._found

    def _section(self, node: Node, known: Tree, path: keys.Path) -> None:
        if node.tag == _NULL and path:  # a section whose lines are all commented out
            return
        if not isinstance(node, MappingNode):
            names = ", ".join(name for name in known if name != EACH) or "names"
            what = keys.dotted(path) or "the file"
            raise ConfigError(f"{self._place(node)}: {what} {_is(node)}, must hold keys: {names}")
        for key, value in self._pairs(node):
            inner = (*path, key.value)
            found = keys.below(known, path, key.value, self._place(key))
            if isinstance(found, Kind):
                self._value(value, found, inner)
            else:
                self._section(value, found, inner)

    def _value(self, node: Node, kind: Kind, path: keys.Path) -> None:
        place = self._place(node)
        if not isinstance(node, ScalarNode) or node.tag == _NULL:
            raise ConfigError(
                f"{place}: {keys.dotted(path)} {_is(node)}, must be {kind.accepts}; "
                "leave the line out for the default"
            )
        self._check_tag(node)
        folder = self._path.absolute().parent
        self._found[path] = Given(node.value, place, f"file {place}", folder)

    def _pairs(self, node: MappingNode) -> list[tuple[ScalarNode, Node]]:
        """Keys and values; those that `<<` brings in come first, so that its own override them."""
        self._check_tag(node)
        if node in self._flat:  # one that an alias stands for
            return list(node.value)
        self._flat.add(node)
        seen: dict[str, Node] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConfigError(f"{self._place(key)}: a key is text, not a {key.id}")
            if key.value in seen:
                raise ConfigError(
                    f"{self._place(key)}: {key.value!r} stands twice, first in line "
                    f"{seen[key.value].start_mark.line + 1}: keep one of them"
                )
            seen[key.value] = key
        self._loader.flatten_mapping(node)
        return list(node.value)

    def _check_tag(self, node: Node) -> None:
        if not node.tag.startswith(_KNOWN) or "python" in node.tag:
            raise ConfigError(f"{self._place(node)}: the tag {node.tag} means nothing here")

    def _place(self, node: Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"


def _is(node: Node) -> str:
    if node.tag == _NULL:
        return "is empty"
    if isinstance(node, ScalarNode):
        return f"is {shown(node.value)}"
    return "has keys below it" if isinstance(node, MappingNode) else "is a list"
