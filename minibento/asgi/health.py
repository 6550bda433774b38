"""Whether the process lives, and whether it should get requests; knows runners and hooks."""

import asyncio
import inspect
import logging
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from minibento.asgi.lifecycle import Lifecycle
from minibento.services.declaration import Runs

__all__ = ["health_routes"]

_LOG = logging.getLogger("minibento")
_CHECK_SECONDS = 1.0


def health_routes(lifecycle: Lifecycle) -> list[Route]:
    """`/livez`, `/readyz` and `/healthz` of a service."""
    check = _UserCheck(lifecycle)

    async def livez(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        reasons = _reasons(lifecycle, await check.reason())
        return JSONResponse({"status": "unready" if reasons else "ok"}, 503 if reasons else 200)

    async def healthz(_: Request) -> Response:
        reason = await check.reason()
        reasons = _reasons(lifecycle, reason)
        detail: dict[str, Any] = {
            "status": "unready" if reasons else "ok",
            "service": lifecycle.declaration.name,
            "reasons": reasons,
            "runners": {
                name: {"ready": bool(runner.ready), "version": runner.version}
                for name, runner in lifecycle.runners.items()
            },
        }
        return JSONResponse(detail, 503 if reasons else 200)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/healthz", healthz)]


def _reasons(lifecycle: Lifecycle, user: str | None) -> list[str]:
    reasons = [] if lifecycle.started else ["the service is stopping"]
    reasons += [
        f"runner {name!r} is not ready{_trouble(runner)}"
        for name, runner in lifecycle.runners.items()
        if runner.ready is not True
    ]
    return reasons if user is None else [*reasons, user]


def _trouble(runner: Runs) -> str:
    # Not asked of every stand-in for a runner.
    trouble = getattr(runner, "trouble", None)
    return f": {trouble}" if trouble else ""


class _UserCheck:
    """The service's `@minibento.ready` method, asked once at a time and never waited for long."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self._lifecycle = lifecycle
        names = lifecycle.declaration.hooks["ready"]
        self._method = getattr(lifecycle.instance, names[0]) if names else None
        self._asking: asyncio.Future[Any] | None = None

    async def reason(self) -> str | None:
        """Why the service is not ready; None: it is."""
        if self._method is None:
            return None
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(self._ask())
        # A check that takes too long goes on: the next probe waits for the same one, so that
        # probes cannot pile up behind it.
        done, _ = await asyncio.wait([self._asking], timeout=_CHECK_SECONDS)
        if not done:
            return f"the readiness check takes longer than {_CHECK_SECONDS:g} s"
        try:
            answer = self._asking.result()
        except BaseException:  # noqa: BLE001  # whatever it is, the answer is: not ready
            _LOG.exception("the readiness check of %s raised", self._lifecycle.declaration.name)
            return "the readiness check raised"
        if answer is True:
            return None
        if answer is False:
            return "the readiness check says no"
        return f"the readiness check returned a {type(answer).__name__} instead of True or False"

    async def _ask(self) -> object:
        assert self._method is not None
        try:
            if inspect.iscoroutinefunction(self._method):
                answer: object = await self._method()
                return answer
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._lifecycle.check_thread, self._method)
        except (SystemExit, KeyboardInterrupt) as error:
            # A task that ends with one of these ends the whole loop.
            raise RuntimeError(f"the readiness check raised {error!r}") from error
