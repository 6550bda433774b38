"""A planted password is in no output, whatever goes wrong, at any level of any log."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.remotes.conftest import FILES, Login
from tests.remotes.registry_server import FakeRegistry, Handler, basic
from tests.store.conftest import Save

SECRET = "hunter2-planted"  # noqa: S105 -- to be found nowhere
SOURCE = Path(__file__).parents[2]
# The command line in a process whose every logger writes all it has.
LOUD = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
logging.getLogger("minibento").setLevel(logging.DEBUG)
from minibento.cli.main import main
main(["--debug", *sys.argv[1:]])
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, save: Save) -> Run:
    save(files=FILES)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        own = {"PYTHONPATH": str(SOURCE), "MINIBENTO_HOME": f"{tmp_path}/home"}
        return subprocess.run(
            [sys.executable, "-c", LOUD, *arguments],
            env={**os.environ, **own},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def logged_in(registry: FakeRegistry, login: Login) -> None:
    login(registry.port, f"me:{SECRET}")
    registry.password = f"me:{SECRET}"


def shown(done: subprocess.CompletedProcess[str]) -> str:
    text = done.stdout + done.stderr
    for secret in (SECRET, basic(f"me:{SECRET}").partition(" ")[2], "a-token-of-the-registry"):
        assert secret not in text
    return text


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize("bearer", [False, True])
def test_not_where_all_goes_well(registry: FakeRegistry, run: Run, bearer: bool) -> None:
    registry.bearer = bearer
    done = run("models", "push", "credit", registry.url())
    assert done.returncode == 0, done.stderr
    assert "pushed credit" in shown(done)


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize("status", [401, 403, 400, 500])
def test_not_where_the_registry_says_it_back(registry: FakeRegistry, run: Run, status: int) -> None:
    def echo(request: Handler) -> bool:
        given = request.headers.get("Authorization")
        if given is None:
            return False
        whole = f"{given} {base64.b64decode(given.partition(' ')[2]).decode()}"
        body = json.dumps({"errors": [{"code": "X", "message": whole}]}).encode()
        request.body()
        request.answer(status, body, WWW_Authenticate="Basic", Retry_After="3600", X_Echo=whole)
        return True

    registry.twist = echo
    done = run("models", "push", "credit", registry.url())
    assert done.returncode == 1
    assert f"answers {status}" in shown(done)
    assert "Traceback" in done.stderr


@pytest.mark.usefixtures("logged_in")
def test_not_where_an_answer_leads_to_a_signed_address(registry: FakeRegistry, run: Run) -> None:
    def signed(request: Handler) -> bool:
        if "manifests" not in request.path or "Signature" in request.path:
            return False
        request.answer(307, Location=f"{request.path}?X-Signature={SECRET}")
        return True

    registry.twist = signed
    shown(run("models", "pull", registry.url()))


def test_not_where_it_is_in_the_url(run: Run) -> None:
    done = run("models", "pull", f"oci://me:{SECRET}@127.0.0.1:1/credit")
    assert done.returncode == 1
    assert "docker login" in shown(done)


def test_not_where_the_file_that_holds_it_is_broken(
    registry: FakeRegistry, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.password = f"me:{SECRET}"
    (tmp_path / "auth.json").write_text(f'{{"auths": {{"x": "{SECRET}')
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    assert "auth.json cannot be used" in shown(run("models", "push", "credit", registry.url()))


def test_not_where_a_bucket_is_asked(
    bucket: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    done = run("models", "push", "credit", bucket)
    assert done.returncode == 1
    assert "Forbidden" in shown(done)


@pytest.mark.usefixtures("logged_in")
def test_not_in_the_arguments_of_any_process(
    registry: FakeRegistry, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    answer = json.dumps({"Username": "me", "Secret": SECRET})
    listing = f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' >> {tmp_path}/processes"
    program.write_text(f"#!/bin/sh\n{listing}\ncat > /dev/null\nA='{answer}'\necho \"$A\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    (tmp_path / "auth.json").write_text(json.dumps({"credsStore": "vault"}))
    looked = threading.Event()

    def look(request: Handler) -> bool:
        with (tmp_path / "processes").open("ab") as file:
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    file.write(path.read_bytes().replace(b"\0", b" ") + b"\n")
                except OSError:
                    continue
        looked.set()
        return False

    registry.twist = look
    done = run("models", "push", "credit", registry.url())
    assert done.returncode == 0, done.stderr
    shown(done)
    assert looked.is_set()
    processes = (tmp_path / "processes").read_text(errors="replace")
    assert "docker-credential-vault get" in processes
    assert SECRET not in processes
