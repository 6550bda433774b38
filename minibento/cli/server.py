"""One process that serves one service on one socket until it is told to stop; prints nothing."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn

from minibento.asgi.collector import keep_what_is_loaded
from minibento.cli.listening import refusal

if TYPE_CHECKING:
    from minibento.asgi.service import Service

__all__ = ["serve_until_stopped"]

# Requests that are still under way this long after the first signal are cancelled.
_GRACE_SECONDS = 60
# Beyond those, for shutdown hooks and runners; then the process ends whatever still runs in it.
_HOOKS_SECONDS = 10
# From a second Ctrl-C to the end, whatever still runs.
_HASTE_SECONDS = 2


def serve_until_stopped(
    service: "Service[Any]", listening: socket.socket, on_ready: Callable[[], None]
) -> None:
    """Start the service, call `on_ready` when it answers, return after SIGINT or SIGTERM.

    Requests under way are answered first; a second Ctrl-C does not wait for them. From the first
    signal on the process is on its way out: what does not end in time, such as a thread of the
    user's own, is left behind and the process ends with 0.

    Raises:
        Exception: what the service's start raised.
        click.ClickException: somebody else took the port meanwhile.
    """
    config = uvicorn.Config(
        service,
        lifespan="off",  # started here, so that its errors arrive as they are
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_run(service, _Server(config, on_ready), listening))


async def _run(service: "Service[Any]", server: "_Server", listening: socket.socket) -> None:
    await service.start()
    keep_what_is_loaded()
    server.obey_signals()
    try:
        await server.serve(sockets=[listening])
    finally:
        if server.force_exit:  # the requests it cuts off now are no errors: it was asked twice
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            for task in server.server_state.tasks:
                task.cancel()
        await service.stop()


class _Server(uvicorn.Server):
    """uvicorn's server, which tells when it is ready and does not die of the signal it obeyed."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None
        for one in sockets:
            host, port = one.getsockname()[:2]
            try:
                # Two may have bound it, one may listen; uvloop's own listen says nothing of it.
                one.listen(self.config.backlog)
            except OSError as error:
                raise refusal(error, host, port) from error
        await super().startup(sockets)
        if self.started:
            self._on_ready()

    def obey_signals(self) -> None:
        """Take SIGINT and SIGTERM from now on until the process ends."""
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, self.handle_exit)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Without uvicorn's own, which end before the shutdown hooks and raise them again."""
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = not self.should_exit
        super().handle_exit(sig, frame)
        if first:
            _leave_in(_GRACE_SECONDS + _HOOKS_SECONDS)
        elif sig == signal.SIGINT:
            _leave_in(_HASTE_SECONDS)


def _leave_in(seconds: float) -> None:
    """End the process then at the latest; as a daemon it does not keep it alive until then."""
    timer = Timer(seconds, _leave)
    timer.daemon = True
    timer.start()


def _leave() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
