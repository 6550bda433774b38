"""Values given by the YAML file of `serve --config`, with their lines; builds no object of it."""

from pathlib import Path

from minibento.config import keys
from minibento.config.given import Given, Layer
from minibento.config.kinds import Kind
from minibento.config.settings import EACH, Tree
from minibento.config.yaml_nodes import Node, YamlFile, is_null

__all__ = ["from_file"]


def from_file(path: Path) -> Layer:
    """The values that stand in the file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or has an unknown or repeated key.
    """
    file = YamlFile(path, "check --config")
    return {} if file.root is None else _Reader(path, file).values(file.root)


class _Reader:
    """One file, walked along the tree of keys."""

    def __init__(self, path: Path, file: YamlFile) -> None:
        self._folder = path.absolute().parent
        self._file = file
        self._found: dict[keys.Path, Given] = {}

    def values(self, root: Node) -> Layer:
        self._section(root, keys.KEYS, ())
        return self._found

    def _section(self, node: Node, known: Tree, path: keys.Path) -> None:
        if is_null(node) and path:  # a section whose lines are all commented out
            return
        names = [name for name in known if name != EACH] or ["names"]
        for key, value in self._file.pairs(node, keys.dotted(path) or "the file", names):
            inner = (*path, key.value)
            found = keys.below(known, path, key.value, self._file.place(key))
            if isinstance(found, Kind):
                self._value(value, found, inner)
            else:
                self._section(value, found, inner)

    def _value(self, node: Node, kind: Kind, path: keys.Path) -> None:
        accepts = f"{kind.accepts}; leave the line out for the default"
        text = self._file.text(node, keys.dotted(path), accepts)
        place = self._file.place(node)
        self._found[path] = Given(text, place, f"file {place}", self._folder)
