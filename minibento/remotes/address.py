"""URLs of remote places: what they may look like and what of them may be shown; opens nothing."""

import re
from dataclasses import dataclass, replace

from minibento.errors import RemoteError

__all__ = ["SCHEMES", "Address"]

SCHEMES = ("oci", "s3", "file")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}\Z")
# The part before the first slash, and all that follows.
_PLACES = {
    "oci": re.compile(
        r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?"
        r"/(?P<path>[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*)\Z"
    ),
    "s3": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f\\?#%]+\Z"),
    "file": re.compile(r"/[^\x00-\x1f\x7f\\?#%]+\Z"),
}
_LIKE = {
    "oci": "oci://HOST[:PORT]/REPOSITORY[:TAG], the repository in lower case",
    "s3": "s3://BUCKET/FOLDER[:TAG]",
    "file": "file:///ABSOLUTE/FOLDER[:TAG]",
}
_ANY = "; ".join(_LIKE.values())
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Address:
    """A place that holds versions, and which of them is meant.

    Attributes:
        scheme: One of SCHEMES.
        place: What follows `://`, without the tag.
        tag: A version or any other name that the place has for one; None: none is named.
    """

    scheme: str
    place: str
    tag: str | None = None

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read a URL.

        Raises:
            RemoteError: it is none that can be pushed to or pulled from, or carries a password;
                the message never shows one.
        """
        scheme, separator, rest = text.partition("://")
        if "@" in rest.partition("/")[0] or (not separator and "@" in text):
            raise RemoteError(
                f"{_shown(text)} has a user or password in it, which everybody on this machine "
                "sees in the list of processes: leave it out, and give the password to "
                "`docker login` or `skopeo login`, where minibento finds it"
            )
        if not separator or scheme not in SCHEMES:
            raise RemoteError(
                f"{_shown(text)} is nowhere to push to or pull from: {_meant(text)}use {_ANY}"
            )
        place, tag = _split(rest)
        safe = _PLACES[scheme].match(place) and not {".", "..", ""} & set(
            place.removeprefix("/").split("/")
        )
        if not safe or (tag is not None and _TAG.match(tag) is None):
            raise RemoteError(f"{_shown(text)} cannot be used: it must be {_LIKE[scheme]}")
        return cls(scheme, place, tag)

    def at(self, tag: str) -> "Address":
        """The same place under another name."""
        return replace(self, tag=tag)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}" + ("" if self.tag is None else f":{self.tag}")


def _split(rest: str) -> tuple[str, str | None]:
    """The tag follows the last colon, if no slash does: a port is none."""
    place, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag or "/" not in place:
        return rest, None
    return place, tag


def _meant(text: str) -> str:
    """A path or a registry's address without `file://` or `oci://` in front."""
    scheme, separator, rest = text.partition("://")
    rest = rest if separator and scheme in {"http", "https", "docker"} else text
    for scheme in ("file", "oci"):
        place, _ = _split(rest)
        if _PLACES[scheme].match(place):
            return f"did you mean {scheme}://{rest}? Else "
    return ""


def _shown(text: str) -> str:
    """What may stand in a message: no user, no password, no query with a signature in it."""
    scheme, separator, rest = text.rpartition("://")
    hidden = f"***@{rest.rpartition('@')[2]}" if "@" in rest else rest
    hidden = re.sub(r"[?#].*", "?***", hidden, flags=re.DOTALL)
    return repr(f"{scheme}{separator}{hidden}"[:_LONGEST])
