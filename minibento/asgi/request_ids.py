"""The id of each request: the caller's own if it is a decent one, else one made here."""

import itertools
import os
import re
from collections.abc import Callable

__all__ = ["RequestId", "maker"]

RequestId = Callable[[bytes | None], bytes]

_DECENT = re.compile(rb"[A-Za-z0-9._-]{1,128}\Z")


def maker() -> RequestId:
    """What turns the caller's header, or None, into the id of one request.

    Made once per process, after the fork: a random beginning keeps processes apart, a counter
    requests, at a fifth of the cost of a random id each.
    """
    beginning = os.urandom(6).hex().encode() + b"-%x"
    following = itertools.count(1).__next__

    def request_id(given: bytes | None) -> bytes:
        if given is not None and _DECENT.match(given):
            return given
        return beginning % following()

    return request_id
