"""What a registry asks for when it says 401, and the request that gets it; sends nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from urllib.parse import urlencode

from minibento.remotes.credentials import Credentials

__all__ = ["Challenge", "TokenRequest", "parse"]

_SCHEME = re.compile(r"(?:\A|,)\s*(Basic|Bearer)(?=\s|,|\Z)", re.IGNORECASE)
_PARAMETER = re.compile(r'([A-Za-z_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_CLIENT = "minibento"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """How a token is asked for.

    Attributes:
        url: With the query.
        authorization: The header, if there are a user and a password.
        form: The body of a POST, where an identity token is exchanged; else it is a GET.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)
    form: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """`basic` or `bearer`, and for the latter who gives tokens."""

    scheme: str
    realm: str = ""
    service: str = ""

    def token_request(self, scope: str, credentials: Credentials | None) -> TokenRequest:
        """Ask the realm for a token of this scope; our own, not the one that the answer names."""
        asked = {"service": self.service, "scope": scope}
        if credentials is not None and credentials.identity:
            exchanged = {
                "grant_type": "refresh_token",
                "refresh_token": credentials.secret,
                "client_id": _CLIENT,
            }
            return TokenRequest(self.realm, form=urlencode(asked | exchanged).encode())
        joined = "&" if "?" in self.realm else "?"
        url = f"{self.realm}{joined}{urlencode(asked | {'client_id': _CLIENT})}"
        return TokenRequest(url, credentials.basic if credentials is not None else None)


def parse(headers: Sequence[str]) -> Challenge | None:
    """The one to take of all that the `WWW-Authenticate` headers offer: bearer before basic."""
    found: dict[str, Challenge] = {}
    for header in headers:
        starts = list(_SCHEME.finditer(header))
        for start, following in zip_longest(starts, starts[1:]):
            end = len(header) if following is None else following.start()
            scheme = start[1].lower()
            pairs = _PARAMETER.findall(header[start.end() : end])
            named = {key.lower(): re.sub(r"\\(.)", r"\1", a) or b for key, a, b in pairs}
            made = Challenge(scheme, named.get("realm", ""), named.get("service", ""))
            found.setdefault(scheme, made)
    return found.get("bearer") or found.get("basic")
