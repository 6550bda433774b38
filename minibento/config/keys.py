"""Which keys there are, and what is said of one that is not; knows no file and no variable."""

from collections.abc import Iterator, Sequence

from minibento.config.kinds import Kind
from minibento.config.settings import EACH, Tree, tree
from minibento.errors import ConfigError
from minibento.wording import did_you_mean

__all__ = ["KEYS", "Path", "below", "dotted", "kind_of", "leaves"]

# A key with those it stands under: ("runners", "model", "workers").
Path = tuple[str, ...]
KEYS = tree()


def dotted(path: Sequence[str]) -> str:
    """How a key is written on one line."""
    return ".".join(path)


def below(keys: Tree, path: Path, part: str, place: str) -> Kind | Tree:
    """What stands under the name `part` among the keys of `path`.

    Raises:
        ConfigError: nothing does; the message has the place where it was written.
    """
    found = keys.get(part, keys.get(EACH))
    if found is not None and part:
        return found
    if not path and part == "auth":
        raise ConfigError(
            f"{place}: auth is not built yet: put a proxy that asks who calls in front"
        )
    names = [key for key in keys if key != EACH] or ["a name"]
    where = f"{dotted(path)} has no key {part!r}" if path else f"unknown key {part!r}"
    mend = did_you_mean(part, names, f"the keys are {', '.join(names)}")
    raise ConfigError(f"{place}: {where}: {mend}")


def kind_of(path: Path, place: str) -> Kind:
    """What a key takes that has a value of its own.

    Raises:
        ConfigError: there is no such key, or it has others below it.
    """
    found: Kind | Tree = KEYS
    for depth, part in enumerate(path):
        if isinstance(found, Kind):
            raise ConfigError(f"{place}: {dotted(path[:depth])} has no keys below it")
        found = below(found, path[:depth], part, place)
    if isinstance(found, Kind):
        return found
    inner = ", ".join(dotted((*path, key.replace(EACH, "NAME"))) for key in found)
    raise ConfigError(f"{place}: {dotted(path)} has no value of its own but keys below it: {inner}")


def leaves(keys: Tree = KEYS, path: Path = ()) -> Iterator[tuple[Path, Kind]]:
    """Every key with a value of its own, in order; `*` where any name may stand."""
    for name, found in keys.items():
        if isinstance(found, Kind):
            yield (*path, name), found
        else:
            yield from leaves(found, (*path, name))
