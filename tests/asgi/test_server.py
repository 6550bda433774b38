"""The service behind a real server on a real socket."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import uvicorn

from tests.asgi.services import Kitchen
from tests.asgi.test_endpoint import instance


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        config = uvicorn.Config(app, log_level="critical", **options)
        server = uvicorn.Server(config)
        config.load()
        assert config.interface == "asgi3"
        started = threading.Event()

        async def run() -> None:
            task = asyncio.ensure_future(server.serve(sockets=[listening]))
            while not server.started and not task.done():
                await asyncio.wait([task], timeout=0.01)
            started.set()
            await task

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        try:
            assert started.wait(20)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()


@pytest.mark.parametrize("http", ["httptools", "h11"])
def test_uvicorn_serves_it(http: str) -> None:
    with serving(Kitchen.replace(), http=http) as url, httpx2.Client(base_url=url) as client:
        assert client.get("/readyz").status_code == 200
        assert client.post("/add", json={"a": 1}).json() == 11
        assert client.post("/sleeps").status_code == 504
        text = {"content-type": "text/plain"}
        assert len(client.post("/shout", content=b"x" * 300_000, headers=text).json()) == 300_000
        assert client.head("/classify").status_code == 405
        assert client.post("/add", content=b"{").status_code == 415
        expect = {"expect": "100-continue"}
        assert client.post("/add", json={"a": 1}, headers=expect).json() == 11


def test_uvicorn_takes_it_by_import_string() -> None:
    with serving("tests.asgi.services:Kitchen") as url:
        assert httpx2.post(url + "/nothing").json() == "done"


def test_a_client_that_hangs_up_cancels_the_method() -> None:
    app = Kitchen.replace()
    with serving(app) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"POST /waits HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
            # It hangs up when the method has begun; health answers only after that is seen.
            for _ in range(200):
                if app._lifecycle is not None and instance(app).entered.is_set():
                    break
                httpx2.get(url + "/livez")
        for _ in range(2000):
            httpx2.get(url + "/livez")
            if instance(app).cancelled.is_set():
                break
        assert instance(app).cancelled.is_set()
