"""Versions of libraries: recorded when a model is saved, compared when it is loaded."""

import warnings
from collections.abc import Iterable, Mapping

from minibento.errors import UsageError
from minibento.models.about import python_version
from minibento.tag import Tag

__all__ = ["VersionMismatch", "refuse_other_python", "versions", "warn_of_differences"]


class VersionMismatch(UserWarning):
    """A library has another version here than where the model was saved."""


def versions(modules: Iterable[str]) -> dict[str, str]:
    """Distribution and version of each module; what no one distribution owns is left out."""
    # Takes 20 ms to import; neither `list` nor `get` needs it.
    from importlib import metadata

    owners = metadata.packages_distributions()
    found = {}
    for module in sorted(modules):
        distributions = set(owners.get(module, ()))
        if len(distributions) == 1:
            (distribution,) = distributions
            found[distribution] = metadata.version(distribution)
    return found


def warn_of_differences(tag: Tag, recorded: Mapping[str, str], stacklevel: int) -> None:
    """Warn with VersionMismatch, naming both versions of each library that differs.

    A distribution that is not installed is passed over: another one may hold the same module, and
    if none does, loading says so.
    """
    from importlib import metadata

    different = []
    for distribution, then in recorded.items():
        try:
            now = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        if now != then:
            different.append(f"{distribution} {then} (here {now})")
    if different:
        warnings.warn(
            f"{tag} was saved with {', '.join(different)}: answers may differ; install the same "
            "versions or save the model again",
            VersionMismatch,
            stacklevel=stacklevel + 1,
        )


def refuse_other_python(tag: Tag, python: str) -> None:
    """Raise UsageError unless this is the Python minor version whose byte code the model holds."""
    if python != python_version():
        raise UsageError(
            f"{tag} holds functions or classes of the script that saved it, as byte code of Python "
            f"{python}; this is Python {python_version()}: serve it with Python {python}, or save "
            f"it again under {python_version()}"
        )
