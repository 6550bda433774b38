"""`minibento.testing.serve`: a server process for a test."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

from minibento.errors import Unavailable
from minibento.testing import serve

SERVICE = """
import itertools
import minibento

asked = itertools.count()

@minibento.service
class Echo:
    @minibento.ready
    def is_ready(self) -> bool:
        return next(asked) >= {refusals}

    @minibento.api
    async def echo(self, text: str) -> str:
        return text
"""


@pytest.fixture
def environment() -> Mapping[str, str]:
    return {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def write(folder: Path, text: str = SERVICE.format(refusals=0)) -> None:
    (folder / "service.py").write_text(text)


def test_it_answers_at_its_url_until_the_end_of_the_block(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    write(tmp_path)
    with serve("service:Echo", folder=tmp_path, environment=environment) as server:
        assert httpx2.post(f"{server.url}/echo", json="hey").json() == "hey"
        os.kill(server.pid, 0)
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(server.url)
    assert '"echo"' in server.output


def test_it_stops_when_the_block_raises(tmp_path: Path, environment: Mapping[str, str]) -> None:
    write(tmp_path)
    with (
        pytest.raises(KeyError),
        serve(folder=tmp_path, environment=environment) as server,
    ):
        raise KeyError
    with pytest.raises(ProcessLookupError):
        os.kill(server.pid, 0)


def test_it_waits_until_the_service_is_ready(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    write(tmp_path, SERVICE.format(refusals=3))
    with serve(folder=tmp_path, environment=environment) as server:
        assert httpx2.get(f"{server.url}/readyz").status_code == 200


def test_a_server_that_ends_raises_with_what_it_printed(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    write(tmp_path, "1 / 0\n")
    with (
        pytest.raises(Unavailable, match=r"exit code 1(.|\n)*service.py:1: ZeroDivisionError"),
        serve(folder=tmp_path, environment=environment),
    ):
        pass


def test_a_server_that_never_gets_ready_raises_and_is_stopped(
    tmp_path: Path, environment: Mapping[str, str]
) -> None:
    write(tmp_path, SERVICE.format(refusals=10**9))
    with (
        pytest.raises(Unavailable, match=r"not ready in time(.|\n)*ready: Echo"),
        serve(folder=tmp_path, environment=environment, timeout=3),
    ):
        pass
