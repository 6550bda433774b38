"""The proxy of docs/serving.md as it is, in front of a real server."""

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.processes.launching import until
from tests.processes.serving import Load, Running, running

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(not shutil.which("nginx"), reason="apt-get install nginx-light"),
]
SNIPPET = Path(__file__).parents[2] / "docs" / "code" / "serving" / "nginx.conf"

SERVICE = """
import minibento


class Model:
    @minibento.method(batchable=True, example=[1])
    def double(self, numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]


@minibento.service
class Scoring:
    model = minibento.Runner(Model)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)

    @minibento.api
    def who(self, ctx: minibento.Context) -> list[str]:
        return [ctx.request.client.host, ctx.request.url.scheme, str(ctx.request.base_url)]

    @minibento.api
    def long(self, megabytes: int) -> str:
        return "x" * (megabytes * 2**20)
"""

# Around the snippet, so that it needs no place in the system; who is not root stays who he is.
AROUND = """
user root; daemon off; pid nginx.pid; error_log stderr; events {}
http {
    access_log off; client_body_temp_path t1; proxy_temp_path t2;
    fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    include site.conf;
}
"""


@dataclass
class Proxied:
    """A server behind a proxy; `http` asks the proxy."""

    server: Running
    url: str
    http: httpx2.Client


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[Proxied]:
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path, MINIBENTO_ROOT_PATH="/scoring") as server:
        port = free_port()
        inside, outside = server.server.url.removeprefix("http://"), f"127.0.0.1:{port}"
        site = SNIPPET.read_text().replace("127.0.0.1:3000", inside)
        (tmp_path / "site.conf").write_text(site.replace("listen 80;", f"listen {outside};"))
        (tmp_path / "nginx.conf").write_text(AROUND)
        proxy = subprocess.Popen(["nginx", "-p", str(tmp_path), "-c", "nginx.conf"])
        try:
            until(lambda: listens(port))
            url = f"http://{outside}/scoring"
            with httpx2.Client(base_url=url, timeout=20) as http:
                yield Proxied(server, url, http)
        finally:
            proxy.terminate()
            proxy.wait(20)


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def test_callers_are_known_by_what_the_proxy_says_of_them_and_not_they(proxied: Proxied) -> None:
    lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
    answer = proxied.http.post("/who", headers=lies)
    assert answer.json() == ["127.0.0.1", "http", f"{proxied.url}/"]
    told: list[str] = []

    def has_told() -> bool:  # its log is read by a thread
        lines = proxied.server.server.output.splitlines()
        told[:] = [one for one in lines if '"api": "who"' in one]
        return bool(told)

    until(has_told, 10, lambda: proxied.server.server.output)
    (line,) = told
    assert json.loads(line)["client"] == "127.0.0.1"


def test_the_page_and_its_description_lead_through_the_proxy(proxied: Proxied) -> None:
    answer = proxied.http.get("/", follow_redirects=True)
    assert str(answer.url) == f"{proxied.url}/docs"
    assert proxied.http.get("/openapi.json").json()["servers"] == [{"url": "/scoring"}]


def test_a_long_answer_and_a_long_body_pass(proxied: Proxied) -> None:
    assert len(proxied.http.post("/long", json=30).json()) == 30 * 2**20
    # It is no number, and reaches the service; what is longer does not.
    headers = {"content-type": "application/json"}
    answers = [
        proxied.http.post("/double", content=b" " * megabytes * 2**20, headers=headers)
        for megabytes in (63, 65)
    ]
    assert [one.status_code for one in answers] == [400, 413]


def test_a_reload_behind_the_proxy_fails_no_request(proxied: Proxied) -> None:
    def ask(http: httpx2.Client) -> None:
        assert http.post("/scoring/double", json=21).raise_for_status().json() == 42

    load = Load(ask, proxied.url.removesuffix("/scoring"))
    with load.running(8):
        for _ in range(5):
            load.until_answered(200)
            assert proxied.server.reload()["ok"]
        load.until_answered(200)
    assert load.failures == []


def test_headers_of_who_is_no_proxy_are_not_believed(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    with running(tmp_path, MINIBENTO_FORWARDED_ALLOW_IPS="10.1.2.3") as server:
        lies = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
        said = server.http.post("/who", headers=lies).json()
    assert said == ["127.0.0.1", "http", f"{server.server.url}/"]
