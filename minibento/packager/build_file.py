"""minibento.yaml, read and checked: what is built; knows no files but its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from minibento.bundles.facts import Container
from minibento.errors import ConfigError, MinibentoError
from minibento.tag import Tag
from minibento.wording import shown

if TYPE_CHECKING:
    from minibento.config.yaml_nodes import Node, YamlFile

__all__ = [
    "BUILD_FILE",
    "BuildFile",
    "find_build_file",
    "is_debian_package",
    "is_image",
    "is_python",
    "is_requirement",
    "read_build_file",
]

BUILD_FILE = "minibento.yaml"
_FOREIGN = "bentofile.yaml"
_KEYS = ("service", "labels", "include", "exclude", "models", "python", "container")

# https://github.com/distribution/reference: name, optional tag, optional digest; no whitespace.
_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._-]*(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9][a-z0-9._-]*)*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?\Z",
    re.ASCII,
)
# Debian policy 5.6.1 and 5.6.12.
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]+(?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+~:-]+)?\Z", re.ASCII)
# What minibento itself needs, in pyproject.toml.
_PYTHON = re.compile(r"3\.(1[1-9]|[2-9][0-9])\Z")
# https://packaging.python.org/specifications/dependency-specifiers/ without addresses; and without
# anything that a requirements file takes for an option, a variable, a comment or a further line.
_ONE = r"(?:===|[=~!<>]=|[<>])\s*[A-Za-z0-9.*+!_-]+"
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?[ ]*(?:\[[A-Za-z0-9._, -]*\])?[ ]*"
    rf"\(?(?:{_ONE}(?:[ ]*,[ ]*{_ONE})*)?\)?[ ]*"
    r"(?:;(?:[A-Za-z0-9_.,'\"<>=!~()+*/]|[ ](?!-)|(?<![ ;])-)*)?\Z",
    re.ASCII,
)
_LOCAL = re.compile(r"\.\.?(?:/[^/$\\]+)*/?\Z")


@dataclass(frozen=True, slots=True)
class BuildFile:
    """What a build file says.

    Attributes:
        path: Of the file; None: there is none, and all is as if it were empty.
        service: `module:Name`; None: the one service in service.py.
        labels: Recorded with the bundle.
        include: Patterns as in .gitignore; None: the default ones.
        exclude: The same.
        models: Tags that no code names.
        python_version: As `3.11`; None: the present one.
        requirements: Beside those that minibento and the models have.
        container: Of the image.
    """

    path: Path | None = None
    service: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    python_version: str | None = None
    requirements: tuple[str, ...] = ()
    container: Container = field(default_factory=Container)


def find_build_file(folder: Path) -> BuildFile:
    """What the folder's minibento.yaml says.

    Raises:
        ConfigError: it is wrong, or there is only a file of BentoML's.
    """
    path = folder / BUILD_FILE
    if path.is_file():
        return read_build_file(path)
    if (folder / _FOREIGN).is_file():
        raise ConfigError(
            f"{folder / _FOREIGN} is BentoML's: write {BUILD_FILE} with service, labels, include "
            "and exclude as they are there, python.packages as python: {requirements: [...]}, and "
            "docker as container"
        )
    return BuildFile()


def read_build_file(path: Path) -> BuildFile:
    """What the file says.

    Raises:
        ConfigError: it cannot be read, is not YAML, or has a wrong key or value; the message has
            its line.
    """
    from minibento.config.yaml_nodes import YamlFile  # 15 ms that no other command needs

    file = YamlFile(path, "check the file")
    return BuildFile(path) if file.root is None else _Reader(path, file).read(file.root)


def is_image(text: str) -> bool:
    """Whether it is the name of an image, and nothing that an instruction could read otherwise."""
    return len(text) <= 255 and _IMAGE.match(text) is not None


def is_debian_package(text: str) -> bool:
    """Whether it is a package, perhaps with architecture and version, and no option."""
    # apt-get takes a word that ends with - for one to be removed.
    return _PACKAGE.match(text) is not None and not text.endswith("-")


def is_requirement(text: str) -> bool:
    """Whether it is a library, perhaps with versions and a condition, and no option or address."""
    return _REQUIREMENT.match(text) is not None


def is_python(text: str) -> bool:
    """Whether it is a minor version that minibento runs on, as `3.11`."""
    return _PYTHON.match(text) is not None


class _Reader:
    """One file, key by key."""

    def __init__(self, path: Path, file: "YamlFile") -> None:
        self._path = path
        self._file = file

    def read(self, root: "Node") -> BuildFile:
        at = {name: value for name, _, value in self._file.known(root, "the file", _KEYS)}
        python = self._python(at.get("python"))
        return BuildFile(
            self._path,
            self._optional(at.get("service"), "service", "text like service:CreditRisk"),
            self._labels(at.get("labels")),
            self._patterns(at["include"], "include") if "include" in at else None,
            self._patterns(at.get("exclude"), "exclude"),
            self._models(at.get("models")),
            python[0],
            python[1],
            self._container(at.get("container")),
        )

    def _optional(self, node: "Node | None", what: str, accepts: str) -> str | None:
        return None if node is None else self._file.text(node, what, accepts)

    def _labels(self, node: "Node | None") -> dict[str, str]:
        if node is None:
            return {}
        pairs = self._file.pairs(node, "labels", ["NAME"])
        return {
            key.value: self._file.text(value, f"labels.{key.value}", "text") for key, value in pairs
        }

    def _listed(self, node: "Node | None", what: str, accepts: str) -> list[tuple["Node", str]]:
        if node is None:
            return []
        items = self._file.items(node, what, accepts)
        return [(one, self._file.text(one, f"an element of {what}", accepts)) for one in items]

    def _patterns(self, node: "Node | None", what: str) -> tuple[str, ...]:
        found = self._listed(node, what, 'patterns such as "**/*.py"')
        for one, pattern in found:
            parts = pattern.strip("/").split("/")
            outside = pattern.startswith(("/", "~")) or ".." in parts or "$" in pattern
            if outside or not pattern.strip() or not pattern.isprintable() or "\\" in pattern:
                raise ConfigError(
                    f"{self._file.place(one)}: {what} names {shown(pattern)}, must be a pattern "
                    "of paths below this folder, relative and without .., ~, $ and backslashes"
                )
        return tuple(pattern for _, pattern in found)

    def _models(self, node: "Node | None") -> tuple[str, ...]:
        found = self._listed(node, "models", "tags such as credit_risk:production")
        for one, tag in found:
            try:
                Tag.parse(tag)
            except MinibentoError as error:
                raise ConfigError(f"{self._file.place(one)}: models: {error}") from error
        return tuple(tag for _, tag in found)

    def _python(self, node: "Node | None") -> tuple[str | None, tuple[str, ...]]:
        if node is None:
            return None, ()
        names = ("version", "requirements")
        at = {name: value for name, _, value in self._file.known(node, "python", names)}
        version = self._optional(at.get("version"), "python.version", 'text like "3.11"')
        if version is not None and not is_python(version):
            raise ConfigError(
                f"{self._file.place(at['version'])}: python.version is {shown(version)}, must be "
                'a minor version from 3.11 on, like "3.12"'
            )
        wanted = self._listed(at.get("requirements"), "python.requirements", "requirements")
        for one, requirement in wanted:
            local = requirement.isprintable() and _LOCAL.match(requirement)
            if not local and not is_requirement(requirement):
                raise ConfigError(
                    f"{self._file.place(one)}: python.requirements names {shown(requirement)}, "
                    "must be a requirement such as httpx2>=2.0, or a folder such as ./library: "
                    "indexes and options belong into pip's own configuration"
                )
        return version, tuple(requirement for _, requirement in wanted)

    def _container(self, node: "Node | None") -> Container:
        if node is None:
            return Container()
        at = {n: value for n, _, value in self._file.known(node, "container", ("base", "packages"))}
        base = self._optional(at.get("base"), "container.base", "an image such as python:3.11-slim")
        if base is not None and not is_image(base):
            raise ConfigError(
                f"{self._file.place(at['base'])}: container.base is {shown(base)}, must be the "
                "name of an image such as python:3.11-slim"
            )
        packages = self._listed(at.get("packages"), "container.packages", "Debian packages")
        for one, package in packages:
            if not is_debian_package(package):
                raise ConfigError(
                    f"{self._file.place(one)}: container.packages names {shown(package)}, must be "
                    "a Debian package such as libgomp1 or libgomp1=12.2.0-14"
                )
        names = tuple(package for _, package in packages)
        return Container(base or Container().base, names)
