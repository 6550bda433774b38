"""Names, versions and tags: what they may look like; knows no store."""

import re
import unicodedata
from dataclasses import dataclass

from minibento.errors import InvalidTag

__all__ = ["LATEST", "Tag", "check_name", "check_version"]

LATEST = "latest"
# `[0-9]` not `\d`, `\Z` not `$`: neither other scripts' digits nor a trailing newline may pass.
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_RULE = "1 to 63 of a-z 0-9 . _ - beginning with a letter or digit"


def check_name(name: str) -> str:
    """Return `name` unchanged if it is a valid model or bundle name, else raise InvalidTag."""
    return _check("name", name)


def check_version(version: str) -> str:
    """Return `version` unchanged if it is a valid version or alias, else raise InvalidTag."""
    return _check("version", version)


@dataclass(frozen=True, slots=True, order=True)
class Tag:
    """`name` or `name:version`; the version may also be an alias, `latest` or a prefix."""

    name: str
    version: str | None = None

    def __post_init__(self) -> None:
        check_name(self.name)
        if self.version is not None:
            check_version(self.version)

    @classmethod
    def parse(cls, text: "str | Tag") -> "Tag":
        """Read `name` or `name:version`.

        Raises:
            InvalidTag: it is neither; the message shows the text and the rule.
        """
        if isinstance(text, Tag):
            return text
        if not isinstance(text, str):
            raise InvalidTag(f"a tag is a string such as 'credit_risk:latest', got {text!r}")
        name, colon, version = text.partition(":")
        return cls(name, version if colon else None)

    def __str__(self) -> str:
        return self.name if self.version is None else f"{self.name}:{self.version}"


def _check(what: str, text: str) -> str:
    if not isinstance(text, str) or _NAME.match(text) is None:
        shown = repr(text if not isinstance(text, str) or len(text) < 80 else text[:77] + "...")
        raise InvalidTag(f"{shown} is not a valid {what}: use {_RULE}{_suggestion(text)}")
    return text


def _suggestion(text: object) -> str:
    if not isinstance(text, str):
        return ""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    mended = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:63]
    return f", for example {mended!r}" if mended and _NAME.match(mended) else ""
