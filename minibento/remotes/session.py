"""Requests to one registry: who asks, how often and how long, where an answer may lead.

Knows neither blobs nor manifests. The header that says who one is goes to the registry itself and
to nobody it leads to; from https nothing leads to http.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from types import TracebackType
from typing import TypeVar

import httpx2

from minibento.errors import RemoteError
from minibento.remotes import failures
from minibento.remotes.challenge import Challenge, parse
from minibento.remotes.credentials import Credentials, find
from minibento.remotes.pace import Pace, Patience, pause
from minibento.remotes.place import RegistryPlace, is_loopback
from minibento.remotes.request import Again, Request

__all__ = ["Session"]

T = TypeVar("T")

_HOPS = 5
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEPING = {307, 308}  # these let a method other than GET and HEAD be what it is
_UNDONE = {429, 503}  # who says this has done nothing
_PASSING = {500, 502, 504, *_UNDONE}
_MAX_TOKEN = 1 << 20
_LOGGERS = ("httpx2", "httpcore2")


class Session:
    """All requests to one repository; `with` closes its connections."""

    def __init__(
        self,
        place: RegistryPlace,
        scope: str,
        patience: Patience,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._place = place
        self._scope = scope
        self._patience = patience
        self._sleep = sleep
        self._origin = httpx2.URL(place.url)
        self._authorization: str | None = None
        self._credentials: Credentials | None = None
        for name in _LOGGERS:
            # They write down addresses, and those that a registry leads to carry signatures.
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = httpx2.Client(
            # No proxy leads to this very machine.
            trust_env=not is_loopback(place.host),
            headers={"User-Agent": "minibento", "Accept-Encoding": "identity"},
        )

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    # Asking --------------------------------------------------------------------------------------

    def ask(self, request: Request, take: Callable[[httpx2.Response], T]) -> T:
        """Ask until there is an answer, as often as patience and the method allow."""
        return self.patiently(lambda: self.once(request, take), always=request.repeatable)

    def patiently(self, attempt: Callable[[], T], *, always: bool) -> T:
        """Try until it goes well.

        Args:
            attempt: Raises Again where it may.
            always: It may be repeated even if nobody knows what it has done.
        """
        for failed in count(1):
            try:
                return attempt()
            except Again as again:
                if not (always or again.undone):
                    raise again.error from again.__cause__
                self.give_way(failed, again)
        raise AssertionError

    def give_way(self, failed: int, again: Again) -> None:
        """Wait before the next try, or raise what is wrong."""
        wait = pause(self._patience, failed, again.retry_after)
        if failed >= self._patience.tries or wait > self._patience.longest_pause:
            raise again.error from again.__cause__
        self._sleep(wait)

    def once(self, request: Request, take: Callable[[httpx2.Response], T]) -> T:
        """Ask once.

        Raises:
            Again: it failed in a way that may pass.
            RemoteError: it failed in another.
        """
        with self.stream(request) as response:
            return take(response)

    @contextmanager
    def stream(self, request: Request) -> Iterator[httpx2.Response]:
        """Ask once, and hand out the answer when its head is there; raises as `once`."""
        try:
            response = self._follow(request)
            try:
                if response.status_code not in request.ok:
                    self._fail(request, response)
                yield response
            finally:
                response.close()
        except httpx2.TransportError as error:
            wrong, passing = failures.unreachable(self._who, error)
            if passing:
                raise Again(wrong) from error
            raise wrong from error

    def body(self, response: httpx2.Response, limit: int) -> bytes:
        """A small answer in whole.

        Raises:
            RemoteError: it is larger than the limit, or comes too slowly.
        """
        pace, data = self.pace(), bytearray()
        for piece in response.iter_raw():
            pace.moved(len(piece))
            data += piece
            if len(data) > limit:
                raise RemoteError(f"{self._who} answers more than the {limit} bytes that may be")
        return bytes(data)

    def pace(self) -> Pace:
        """To be told of what an answer brings."""
        return Pace(self._who, self._patience)

    def leads_to(self, response: httpx2.Response) -> str:
        """Where an answer says to go on.

        Raises:
            RemoteError: it says nothing, or something that is not followed.
        """
        return str(self._target(response))

    # ---------------------------------------------------------------------------------------------

    @property
    def _who(self) -> str:
        return str(self._place.address)

    def _follow(self, request: Request) -> httpx2.Response:
        url, challenged, hops = httpx2.URL(request.url), False, 0
        ours = not request.bare and self._is_ours(url)
        while True:
            response = self._send(request, url, self._authorization if ours else None)
            if ours and response.status_code == 401 and not challenged:
                challenged = True
                if self._authorize(response.headers.get_list("www-authenticate")):
                    response.close()
                    continue
            redirects = _REDIRECTS if request.repeatable else _KEEPING
            if request.bare or response.status_code not in redirects:
                return response
            response.close()
            hops += 1
            if hops > _HOPS:
                raise RemoteError(f"{self._who} leads on and on: {_HOPS} redirects are followed")
            url = self._target(response)
            ours = ours and self._is_ours(url)

    def _send(
        self, request: Request, url: httpx2.URL, authorization: str | None
    ) -> httpx2.Response:
        headers = dict(request.headers)
        if authorization is not None:
            headers["Authorization"] = authorization
        silence = request.silence or self._patience.silence
        built = self._client.build_request(
            request.method,
            url,
            headers=headers,
            content=None if request.body is None else request.body(),
            timeout=httpx2.Timeout(silence, connect=self._patience.connect),
        )
        return self._client.send(built, stream=True, follow_redirects=False)

    def _target(self, response: httpx2.Response) -> httpx2.URL:
        location = response.headers.get("location", "")
        try:
            target = response.request.url.join(location)
        except httpx2.InvalidURL as error:
            raise RemoteError(f"{self._who} leads to what is no URL") from error
        self._check_target(target, response.request.url.scheme)
        if not location:
            raise RemoteError(f"{self._who} does not say where to go on")
        return target

    def _check_target(self, url: httpx2.URL, from_scheme: str) -> None:
        plain = url.scheme == "http" and from_scheme == "http" and is_loopback(url.host)
        if not (url.scheme == "https" or plain) or url.userinfo or not url.host:
            raise RemoteError(
                f"{self._who} leads to {url.scheme}://{url.host}, where nobody follows: "
                "only https is, and http on this very machine"
            )

    def _is_ours(self, url: httpx2.URL) -> bool:
        return (url.scheme, url.host, url.port) == (
            self._origin.scheme,
            self._origin.host,
            self._origin.port,
        )

    # Who one is ----------------------------------------------------------------------------------

    def _authorize(self, headers: list[str]) -> bool:
        """Get what a 401 asks for; False if there is no way."""
        challenge = parse(headers)
        if challenge is None:
            return False
        self._credentials = find(self._place.named, self._place.repository)
        if challenge.scheme == "basic":
            if self._credentials is None or self._credentials.identity:
                return False
            self._authorization = self._credentials.basic
            return True
        self._authorization = f"Bearer {self._token(challenge)}"
        return True

    def _token(self, challenge: Challenge) -> str:
        try:
            realm = httpx2.URL(challenge.realm)
        except httpx2.InvalidURL as error:
            raise RemoteError(f"{self._who} names no place that gives tokens") from error
        self._check_target(realm, self._origin.scheme)
        asked = challenge.token_request(self._scope, self._credentials)
        headers = {} if asked.authorization is None else {"Authorization": asked.authorization}
        request = Request("GET", asked.url, headers, bare=True)
        if (form := asked.form) is not None:
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "Content-Length": str(len(form)),
            }
            request = Request("POST", asked.url, headers, lambda: iter([form]), bare=True)
        answer = self.ask(request, lambda response: self.body(response, _MAX_TOKEN))
        try:
            document = json.loads(answer)
            token = document.get("token") or document["access_token"]
        except (ValueError, LookupError, AttributeError, RecursionError):
            raise RemoteError(f"{realm.host} gave no token for {self._who}") from None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise RemoteError(f"{realm.host} gave no token for {self._who}")
        return token

    # What went wrong -----------------------------------------------------------------------------

    def _fail(self, request: Request, response: httpx2.Response) -> None:
        asked = failures.Asked(
            who=self._who,
            host=self._place.named,
            method=request.method,
            status=response.status_code,
            detail=self._detail(response),
            place=None if self._credentials is None else self._credentials.place,
        )
        error = failures.refused(asked)
        if response.status_code in _PASSING:
            raise Again(
                error,
                undone=response.status_code in _UNDONE,
                retry_after=response.headers.get("retry-after"),
            )
        raise error

    def _detail(self, response: httpx2.Response) -> str:
        """What the registry says of it, unless it says back what is secret."""
        try:
            detail = failures.detail(self.body(response, failures.MAX_DETAIL))
        except (httpx2.TransportError, RemoteError):
            return ""
        secret = [] if self._credentials is None else [self._credentials.secret]
        secret += [self._authorization.partition(" ")[2]] if self._authorization else []
        if self._credentials is not None:
            secret.append(self._credentials.basic.partition(" ")[2])
        return "" if any(one and one in detail for one in secret) else detail
