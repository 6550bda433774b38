"""What a registry's refusals and silences mean, and the mend of each; sends nothing."""

import json
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

import httpx2

from minibento.errors import RemoteError
from minibento.remotes.credentials import places

__all__ = ["MAX_DETAIL", "Asked", "detail", "refused", "unreachable"]

MAX_DETAIL = 64 << 10
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and its status.

    Attributes:
        who: The URL as the user gave it.
        host: The registry.
        detail: What the registry says of it; empty: nothing.
        place: The file with the credentials that were used; None: there were none.
    """

    who: str
    host: str
    method: str
    status: int
    detail: str
    place: Path | None


def refused(asked: Asked) -> RemoteError:
    """The error for a status that is no answer."""
    said = f"{asked.status} {asked.detail}".rstrip()
    return RemoteError(
        f"{asked.who}: the registry answers {said} to {asked.method}: {_mend(asked)}"
    )


def _mend(asked: Asked) -> str:
    if asked.status in {401, 403}:
        login = f"`docker login {asked.host}` or `skopeo login {asked.host}`"
        if asked.place is not None:
            return f"it does not let those in {asked.place} do this; {login} as somebody it does"
        looked = ", ".join(str(place) for place in places())
        return f"no credentials for {asked.host} are in {looked}; {login} writes some"
    return _MENDS.get(asked.status, "see what its log says")


_MENDS = {
    404: "check the name of the repository; some registries want it made first",
    405: "this repository is not to be written to",
    413: "raise the limit of the registry, or of the proxy before it (client_max_body_size)",
    429: "it is asked too often; try again later",
    500: "try again later",
    502: "try again later",
    503: "try again later",
    504: "try again later",
    507: "it has no room left",
}


def unreachable(who: str, error: httpx2.TransportError) -> tuple[RemoteError, bool]:
    """The error for no answer at all, and whether it may pass by itself."""
    causes = list(_chain(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RemoteError(
                f"{who}: the registry's certificate is not accepted ({cause.verify_message}): "
                "check the host, or name the file of your own authority in SSL_CERT_FILE"
            ), False
        if isinstance(cause, ssl.SSLError):
            return RemoteError(
                f"{who}: the registry does not speak TLS ({cause.reason}): check host and port; "
                "plain http is used on this very machine only"
            ), False
        if isinstance(cause, socket.gaierror):
            return RemoteError(
                f"{who}: the name of the host is not known ({cause.strerror}): check it"
            ), False
    if isinstance(error, httpx2.TimeoutException):
        kind = "no connection" if isinstance(error, httpx2.ConnectTimeout) else "silence"
        return RemoteError(f"{who}: {kind}, given up: check host, port and network"), True
    text = str(error) or type(error).__name__
    return RemoteError(f"{who} cannot be reached ({text}): check host, port and network"), True


def detail(body: bytes) -> str:
    """The code and message of the first error that a registry's answer lists."""
    try:
        first = json.loads(body)["errors"][0]
        text = f"{first.get('code', '')} {first.get('message', '')}".strip()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return ""
    return f"({text[:_LONGEST]})" if text else ""


def _chain(error: BaseException | None) -> "list[BaseException]":
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found
