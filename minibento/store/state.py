"""What changes about a name's versions: order of saves, aliases, trust; knows no files of theirs.

One small JSON file per name, replaced atomically under the name's lock and read without it. It
holds nothing that the versions' folders cannot be used without: where it is missing, versions
count as saved in the order of their manifests' file times.
"""

import json
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from minibento.errors import Corrupt
from minibento.store.disk import sync_directory, write_file
from minibento.tag import check_version

__all__ = ["Record", "State", "read_state", "write_state"]

_FORMAT = 1
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about one version beside its content.

    Attributes:
        order: Position among the saves; 0: never saved here, so older than all that were.
        created: When it first came into this store.
        source: The archive or URL it came from; None: saved here.
        trusted: Somebody vouched for code that files from elsewhere can execute.
    """

    order: int
    created: datetime
    source: str | None = None
    trusted: bool = False


@dataclass(slots=True)
class State:
    """All records of a name, and per alias the versions it has pointed at, the present one last."""

    versions: dict[str, Record] = field(default_factory=dict)
    aliases: dict[str, list[str]] = field(default_factory=dict)

    def next_order(self) -> int:
        """The order of a save that happens now."""
        return 1 + max((record.order for record in self.versions.values()), default=0)

    def aliases_of(self, version: str) -> tuple[str, ...]:
        """The aliases that point at a version now, sorted."""
        return tuple(sorted(name for name, past in self.aliases.items() if past[-1] == version))

    def forget(self, version: str) -> None:
        """Drop a deleted version, the aliases that point at it, and its place in others' pasts."""
        self.versions.pop(version, None)
        for alias in self.aliases_of(version):
            del self.aliases[alias]
        for alias, past in self.aliases.items():
            left = [one for one in past if one != version]
            # Between two moves to one version nothing is left to go back to.
            self.aliases[alias] = [
                one for index, one in enumerate(left) if index == 0 or left[index - 1] != one
            ]


def read_state(path: Path) -> State:
    """The state in a file; an empty one if there is none.

    Raises:
        Corrupt: the file cannot be understood.
    """
    try:
        return _from_json(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return State()
    except _UNREADABLE as error:
        raise Corrupt(
            f"{path} cannot be read ({type(error).__name__}: {error}), so aliases and `latest` of "
            f"{path.parent.name!r} are unknown; exact versions still work: remove that file, then "
            "set the aliases again"
        ) from error


def write_state(path: Path, state: State) -> None:
    """Replace the file, or leave it as it is; the caller holds the name's lock."""
    before = path.read_bytes() if path.exists() else None
    new = path.with_name(path.name + ".new")
    write_file(new, (json.dumps(_to_json(state), indent=1, sort_keys=True) + "\n").encode())
    new.replace(path)
    try:
        sync_directory(path.parent)
    except OSError:
        # Who is told that it failed must not find it done.
        with suppress(OSError):
            if before is None:
                path.unlink()
            else:
                write_file(new, before)
                new.replace(path)
        raise


def _to_json(state: State) -> dict[str, object]:
    versions = {
        version: {
            "order": record.order,
            "created": record.created.isoformat(),
            "source": record.source,
            "trusted": record.trusted,
        }
        for version, record in state.versions.items()
    }
    return {"format": _FORMAT, "versions": versions, "aliases": state.aliases}


def _from_json(data: dict[str, Any]) -> State:
    if data["format"] != _FORMAT:
        raise ValueError(f"format {data['format']!r} is not {_FORMAT}")
    versions = {
        check_version(version): _record(record) for version, record in data["versions"].items()
    }
    aliases: dict[str, list[str]] = {}
    for alias, past in data["aliases"].items():
        if not isinstance(past, list) or not past:
            raise ValueError(f"alias {alias!r} points at {past!r}")
        aliases[check_version(alias)] = [check_version(version) for version in past]
    return State(versions, aliases)


def _record(data: dict[str, Any]) -> Record:
    order, created, source = data["order"], data["created"], data["source"]
    if type(order) is not int or not isinstance(created, str):
        raise ValueError(f"order {order!r}, created {created!r}")
    if source is not None and not isinstance(source, str):
        raise ValueError(f"source {source!r}")
    return Record(
        order, datetime.fromisoformat(created).astimezone(UTC), source, data["trusted"] is True
    )
