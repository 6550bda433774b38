"""A YAML file as nodes that know their lines; builds no object of it and knows no keys."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from yaml import MappingNode, MarkedYAMLError, Node, SafeLoader, ScalarNode, SequenceNode, YAMLError

from minibento.errors import ConfigError
from minibento.wording import did_you_mean, shown

__all__ = ["Node", "ScalarNode", "YamlFile", "is_null", "said_of"]

_KNOWN = "tag:yaml.org,2002:"
_NULL = f"{_KNOWN}null"


class YamlFile:
    """One file.

    Attributes:
        root: Its one document; None: it is empty.
    """

    def __init__(self, path: Path, named: str) -> None:
        """Read the file.

        Args:
            path: Of the file.
            named: How the user named it, for what cannot be read: `check --config`.

        Raises:
            ConfigError: it cannot be read or is not YAML.
        """
        self._path = path
        self._flat: set[Node] = set()
        try:
            self._loader = SafeLoader(path.read_text("utf-8"))
            self.root: Node | None = self._loader.get_single_node()
        except MarkedYAMLError as error:
            line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
            raise ConfigError(f"{path}{line}: not YAML: {error.problem}") from error
        except RecursionError:
            raise ConfigError(f"{path}: nested too deeply: keys are at most four deep") from None
        except (OSError, UnicodeDecodeError, YAMLError) as error:
            said = error.strerror if isinstance(error, OSError) else " ".join(str(error).split())
            raise ConfigError(f"{path} cannot be read: {said}: {named}") from error

    def place(self, node: Node) -> str:
        """File and line of a node."""
        return f"{self._path}:{node.start_mark.line + 1}"

    def pairs(self, node: Node, what: str, names: Sequence[str]) -> list[tuple[ScalarNode, Node]]:
        """Keys and values; those that `<<` brings in come first, so that its own override them.

        Args:
            node: That should hold keys.
            what: How errors call it.
            names: The keys that it may hold, for errors.

        Raises:
            ConfigError: it holds none, a key is no text or stands twice.
        """
        if not isinstance(node, MappingNode):
            said = said_of(node)
            raise ConfigError(
                f"{self.place(node)}: {what} {said}, must hold keys: {', '.join(names)}"
            )
        self.check_tag(node)
        if node not in self._flat:  # else one that an alias stands for
            self._flat.add(node)
            self._refuse_doubles(node)
            try:
                self._loader.flatten_mapping(node)
            except MarkedYAMLError as error:
                said = f"{self.place(node)}: `<<` takes keys: {error.problem}"
                raise ConfigError(said) from error
        return list(node.value)

    def known(
        self, node: Node, what: str, names: Sequence[str]
    ) -> Iterator[tuple[str, ScalarNode, Node]]:
        """The same where only these names may stand: name, key and value.

        Raises:
            ConfigError: another one does; the message has what is near.
        """
        for key, value in self.pairs(node, what, names):
            if key.value not in names:
                where = "unknown key" if what == "the file" else f"{what} has no key"
                mend = did_you_mean(key.value, names, f"the keys are {', '.join(names)}")
                raise ConfigError(f"{self.place(key)}: {where} {key.value!r}: {mend}")
            yield key.value, key, value

    def text(self, node: Node, what: str, accepts: str) -> str:
        """The text of a node.

        Raises:
            ConfigError: it is empty, a list or holds keys.
        """
        if not isinstance(node, ScalarNode) or is_null(node):
            raise ConfigError(f"{self.place(node)}: {what} {said_of(node)}, must be {accepts}")
        self.check_tag(node)
        return str(node.value)

    def items(self, node: Node, what: str, accepts: str) -> list[Node]:
        """The elements of a list; none of an empty value.

        Raises:
            ConfigError: it is no list.
        """
        if is_null(node):
            return []
        if not isinstance(node, SequenceNode):
            raise ConfigError(
                f"{self.place(node)}: {what} {said_of(node)}, must be a list of {accepts}"
            )
        self.check_tag(node)
        return list(node.value)

    def check_tag(self, node: Node) -> None:
        """Refuse what asks for an object of its own."""
        if not node.tag.startswith(_KNOWN) or "python" in node.tag:
            raise ConfigError(f"{self.place(node)}: the tag {node.tag} means nothing here")

    def _refuse_doubles(self, node: MappingNode) -> None:
        seen: dict[str, Node] = {}
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                raise ConfigError(f"{self.place(key)}: a key is text, not a {key.id}")
            if key.value in seen:
                raise ConfigError(
                    f"{self.place(key)}: {key.value!r} stands twice, first in line "
                    f"{seen[key.value].start_mark.line + 1}: keep one of them"
                )
            seen[key.value] = key


def is_null(node: Node) -> bool:
    """Whether nothing stands there."""
    return bool(node.tag == _NULL)


def said_of(node: Node) -> str:
    """What a node is, for errors: `is 'x'`, `is empty`, `is a list`."""
    if is_null(node):
        return "is empty"
    if isinstance(node, ScalarNode):
        return f"is {shown(node.value)}"
    return "has keys below it" if isinstance(node, MappingNode) else "is a list"
