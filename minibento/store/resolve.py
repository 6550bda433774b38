"""From what a user wrote behind the colon to one exact version; a pure function of plain data."""

import difflib
from collections.abc import Mapping, Sequence

from minibento.errors import NotFound
from minibento.tag import LATEST

__all__ = ["MIN_PREFIX", "resolve", "unknown_name"]

MIN_PREFIX = 4


def resolve(
    name: str, wanted: str | None, versions: Sequence[str], aliases: Mapping[str, str], kind: str
) -> str:
    """What `wanted` means, tried as exact version, alias, `latest`, unique prefix.

    Args:
        name: The model or bundle, for messages.
        wanted: What stood behind the colon; None means `latest`.
        versions: All that exist, the one last saved first.
        aliases: Each with the version it points at.
        kind: `models` or `bundles`, for messages.

    Raises:
        NotFound: nothing fits, or more than one version begins like this.
    """
    if wanted in versions:
        return str(wanted)
    if wanted in aliases:
        return _existing(name, str(wanted), aliases[str(wanted)], versions, kind)
    if wanted in {None, LATEST}:
        if not versions:
            raise NotFound(f"{name!r} has no versions: save one first")
        return versions[0]
    return _by_prefix(name, str(wanted), versions, aliases, kind)


def unknown_name(name: str, names: Sequence[str], kind: str) -> NotFound:
    """The error for a name of which the store has nothing."""
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f": did you mean {' or '.join(near)}?" if near else ""
    return NotFound(f"no {kind} named {name!r}{hint}; see: minibento {kind} list")


def _existing(name: str, alias: str, version: str, versions: Sequence[str], kind: str) -> str:
    if version not in versions:
        raise NotFound(
            f"alias {name}:{alias} points at {version!r}, which is gone: "
            f"set it again with: minibento {kind} alias {name}:VERSION {alias}"
        )
    return version


def _by_prefix(
    name: str, wanted: str, versions: Sequence[str], aliases: Mapping[str, str], kind: str
) -> str:
    fitting = sorted(version for version in versions if version.startswith(wanted))
    if len(fitting) == 1 and len(wanted) >= MIN_PREFIX:
        return fitting[0]
    if fitting and len(wanted) < MIN_PREFIX:
        reason = f"a prefix needs at least {MIN_PREFIX} characters"
    elif fitting:
        reason = f"more than one version begins like this: {', '.join(fitting[:10])}"
    else:
        near = difflib.get_close_matches(wanted, [*versions, *aliases], n=3, cutoff=0.6)
        reason = f"did you mean {' or '.join(near)}?" if near else "no such version or alias"
    raise NotFound(f"{name}:{wanted} not found: {reason}; see: minibento {kind} list {name}")
