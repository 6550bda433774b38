"""What the head of a request must be like before anybody else sees it; knows no connection.

The parser refuses most of what is wrong: two lengths, a length beside chunks, bare line feeds,
folded lines, control characters. Here is the rest. A request that two programs can read in two ways
lets one caller slip a second request past a proxy, so that each is refused and none repaired.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from minibento.processes.http_refusals import Refusal

__all__ = ["FORWARDED", "RARE", "Header", "checked_head", "checked_size"]

Header = tuple[bytes, bytes]

_MOST_HEADERS = 100
# What a proxy says about the caller.
FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
# A head with none of these needs no second look.
RARE = FORWARDED | {b"transfer-encoding", b"upgrade"}
# A name, an address, a port; an empty one is allowed to who has none.
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*\Z")


def checked_head(version: str, headers: Sequence[Header], most_bytes: int) -> dict[bytes, bytes]:
    """The headers by name.

    Raises:
        Refusal: it is no head of HTTP/1.0 or 1.1, or one that could be understood in two ways, or
            its body is larger than `most_bytes`.
    """
    named = dict(headers)
    if len(named) != len(headers):
        _check_repeated(headers)
    if version != "1.1" or not _is_host(named.get(b"host")):
        _check_version(version, named)
    if len(headers) > _MOST_HEADERS:
        raise Refusal(431, f"the request has {len(headers)} headers: {_MOST_HEADERS} are accepted")
    length = named.get(b"content-length")
    if length is not None and int(length) > most_bytes:
        raise Refusal(413, f"the body is larger than {most_bytes:,} bytes: send less at once")
    if b"transfer-encoding" in named:
        _check_coding(version, named[b"transfer-encoding"])
    return named


def checked_size(url: bytes, headers: Sequence[Header], most_bytes: int) -> None:
    """Raise a Refusal if the request line and the headers are larger together."""
    # Around a request line there are a method, a version and an end of line, in a header `: `
    # and an end of line.
    line = len(url) + 14
    if line > most_bytes:
        raise Refusal(414, f"the URL has {len(url):,} bytes: shorten it, or send a body")
    size = line + sum(len(name) + len(value) + 4 for name, value in headers)
    if size > most_bytes:
        raise Refusal(431, f"the headers have {size:,} bytes: {most_bytes:,} are accepted")


@lru_cache(maxsize=256)
def _is_host(host: bytes | None) -> bool:
    return host is not None and _HOST.match(host) is not None


def _check_version(version: str, named: dict[bytes, bytes]) -> None:
    if version not in {"1.0", "1.1"}:
        raise Refusal(505, f"HTTP/{version} is not spoken here: HTTP/1.1 is")
    host = named.get(b"host")
    if host is None and version == "1.1":
        raise Refusal(400, "the request has no Host header: HTTP/1.1 asks for one")
    if host is not None and not _is_host(host):
        raise Refusal(400, f"the Host header {host.decode('latin-1')[:80]!r} is no host")


def _check_repeated(headers: Sequence[Header]) -> None:
    names = [name for name, _ in headers]
    if names.count(b"host") > 1:
        raise Refusal(400, "the request has two Host headers: send one")
    if names.count(b"transfer-encoding") > 1:
        raise Refusal(400, "the request has two Transfer-Encoding headers: send one, chunked")


def _check_coding(version: str, coding: bytes) -> None:
    if version != "1.1":
        raise Refusal(400, f"HTTP/{version} has no Transfer-Encoding: send a Content-Length")
    if coding.strip().lower() != b"chunked":
        raise Refusal(
            400,
            f"Transfer-Encoding {coding.decode('latin-1')[:80]!r} is not accepted: send chunked",
        )
