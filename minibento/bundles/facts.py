"""What a bundle's manifest says about it, as plain data; knows neither files nor a store."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from minibento.errors import Corrupt
from minibento.tag import Tag

__all__ = ["Container", "Facts"]

# What becomes part of a path or of a command must be nothing else.
_SHAPES = {
    "service": re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*\Z"),
    "python": re.compile(r"3\.[0-9]{1,2}\Z"),
    "platform": re.compile(r"[a-z0-9]+/[a-z0-9_]+\Z"),
    "minibento": re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!-]{0,63}\Z"),
    "environment": re.compile(r"[a-z0-9]{1,64}\Z"),
}


@dataclass(frozen=True, slots=True)
class Container:
    """What the build file says about the image.

    Attributes:
        base: The image to begin with.
        packages: Debian packages beside.
    """

    base: str = "python:3.11-slim"
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is recorded beside the files; part of the content that names the version.

    Attributes:
        service: `module:Name`, imported from the bundle's own code.
        models: Each tag that the build saw, with the exact one that it stands for.
        runners: Each runner with the version of its model, `""` where it has none.
        labels: Of the build file.
        python: Minor version that it is made for: `3.11`.
        platform: What its locked libraries are for: `linux/amd64`.
        minibento: The version of minibento inside.
        environment: Names the environment it needs: two bundles with one need install it once.
        vendored: Whether the wheels of all libraries are inside.
        container: For the image.
    """

    service: str
    models: Mapping[str, str]
    runners: Mapping[str, str]
    python: str
    platform: str
    minibento: str
    environment: str
    vendored: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    container: Container = field(default_factory=Container)

    def to_json(self) -> dict[str, Any]:
        """As a manifest holds it."""
        return {"bundle": asdict(self)}

    @classmethod
    def from_json(cls, about: Mapping[str, Any]) -> "Facts":
        """What `to_json` wrote.

        Raises:
            Corrupt: it was not.
        """
        try:
            given = dict(about["bundle"])
            given["container"] = _container(given["container"])
            facts = cls(**given)
            _check(facts)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Corrupt(
                f"is no bundle's: {type(error).__name__}: {error}; `minibento build` makes bundles"
            ) from error
        return facts


def _container(given: Mapping[str, Any]) -> Container:
    if not isinstance(given["packages"], list | tuple):
        raise TypeError("container.packages is no list")
    return Container(**{**given, "packages": tuple(given["packages"])})


def _check(facts: Facts) -> None:
    """Each value is of its kind; what a tag stands for is an exact version."""
    for name, shape in _SHAPES.items():
        if not shape.match(getattr(facts, name)):
            raise ValueError(f"{name} is {getattr(facts, name)!r}")
    if not isinstance(facts.vendored, bool):
        raise TypeError("vendored is neither true nor false")
    for mapping in (facts.models, facts.runners, facts.labels):
        if not all(isinstance(part, str) for pair in mapping.items() for part in pair):
            raise TypeError("a name or value is no text")
    for asked, exact in facts.models.items():
        Tag.parse(asked)
        if Tag.parse(exact).version is None:
            raise ValueError(f"{asked} stands for {exact}, which is no exact version")
    texts_of_container = (facts.container.base, *facts.container.packages)
    if not all(isinstance(one, str) for one in texts_of_container):
        raise TypeError("container holds what is no text")
