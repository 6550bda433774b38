"""Twenty secrets around and inside a project: none of them is in what is built of it (case P13)."""

import base64
import io
import json
import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from minibento.store.home import local_store
from tests.packager.projects import project, save_doubler, write_lock

INCLUDE = "include: ['**']\npython: {requirements: [./library]}\n"
LIBRARY = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "our-library"
version = "1.0"
"""


def secret() -> str:
    return f"s3cret{secrets.token_hex(12)}"


def plant(folder: Path, home: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Secrets by place, and the environment of whoever builds."""
    found: dict[str, str] = {}

    def write(path: Path, text: str = "{}\n") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        where = str(path.relative_to(path.parents[len(path.parts) - 2]))
        found[where] = secret()
        path.write_text(text.format(found[where]))

    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "A" * 60 + "{}\n"
    write(folder / ".env", "TOKEN={}\n")
    write(folder / ".git" / "config", "[remote]\n\turl = https://me:{}@host/x.git\n")
    write(folder / ".aws" / "credentials", "aws_secret_access_key = {}\n")
    write(folder / ".netrc", "machine host login me password {}\n")
    write(folder / "id_rsa", key)
    write(folder / "tls" / "server.pem", key)
    write(folder / "pip.conf", "[global]\nindex-url = https://me:{}@host/\n")
    write(folder / ".gitconfig", "[credential]\n\thelper = {}\n")
    write(folder / "notes.txt", "x\n" * 50_000 + key)
    write(folder / "embedded.py", 'KEY = """' + key + '"""\n')
    write(folder / "report.ipynb", '{{"cells": [{{"outputs": ["{}"]}}]}}')
    write(folder / "account.dat", '{{"private_key": "' + key.replace("\n", "\\n") + '"}}')
    write(folder / "old.bundle", "{}")
    write(folder / "library" / ".env.local", "TOKEN={}\n")
    write(home / ".netrc", "machine 127.0.0.1 login me password {}\n")
    write(
        home / ".config" / "pip" / "pip.conf", "[global]\nextra-index-url = http://me:{}@[::1]:9\n"
    )
    environment = {"HOME": str(home), "PIP_RETRIES": "0", "UV_HTTP_RETRIES": "0"}
    for name, text in (
        ("AWS_SECRET_ACCESS_KEY", "{}"),
        ("PIP_EXTRA_INDEX_URL", "http://me:{}@127.0.0.1:9/simple"),
        ("UV_EXTRA_INDEX_URL", "http://me:{}@127.0.0.1:9/simple"),
        ("GIT_ASKPASS", "{}"),
    ):
        found[f"${name}"] = secret()
        environment[name] = text.format(found[f"${name}"])
    return found, environment


def everything(data: bytes) -> Iterator[bytes]:
    """The bytes of a file and, if it is an archive, of all that is in it, unpacked."""
    yield data
    if zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from everything(archive.read(name))


def leaked(planted: dict[str, str], *texts: bytes) -> set[str]:
    """Where those secrets were planted that are in one of the texts, plainly or in base64."""
    whole = [part for text in texts for part in everything(text)]
    return {
        place
        for place, text in planted.items()
        for part in whole
        if text.encode() in part or base64.b64encode(text.encode())[:20] in part
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "store"))
    save_doubler()
    folder = project(tmp_path / "project")
    (folder / "library" / "our_library").mkdir(parents=True)
    (folder / "library" / "our_library" / "__init__.py").touch()
    (folder / "library" / "pyproject.toml").write_text(LIBRARY)
    (folder / "minibento.yaml").write_text(INCLUDE)
    write_lock(folder, "doubler")
    return folder


def command(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [sys.executable, "-m", "minibento.cli", "--debug", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        timeout=100,
        check=False,
    )


def test_none_of_twenty_planted_secrets_is_in_archive_log_or_containerfile(
    folder: Path, tmp_path: Path
) -> None:
    planted, environment = plant(folder, tmp_path / "home")
    assert len(planted) == 20
    # The hashes of the lock are made up, and the library is not in it: it travels as a wheel.
    done = command(environment, "build", str(folder), "-o", "json")
    assert done.returncode == 0, done.stderr.decode()
    tag = json.loads(done.stdout)["tag"]
    image = command(environment, "containerize", tag, "--write", str(tmp_path / "image"))
    shown = [command(environment, "bundles", verb, tag) for verb in ("get", "tree", "verify")]
    file = local_store("bundles").export(tag, tmp_path)
    logs = [one for run in (done, image, *shown) for one in (run.stdout, run.stderr)]
    written = [path.read_bytes() for path in (tmp_path / "image").rglob("*") if path.is_file()]
    assert {run.returncode for run in (image, *shown)} == {0}
    assert len(written) > 5
    assert leaked(planted, file.read_bytes(), *written, *logs) == set()
    with zipfile.ZipFile(file) as archive:
        assert "code/service.py" in archive.namelist()
    # The detector can fail: a secret in a compressed file of a wheel in an archive is found.
    (one,) = [place for place in planted if place.endswith("id_rsa")]
    with zipfile.ZipFile(tmp_path / "inner.whl", "w", zipfile.ZIP_DEFLATED) as inner:
        inner.writestr("x", "x" * 10_000 + planted[one])
    with zipfile.ZipFile(file, "a") as outer:
        outer.write(tmp_path / "inner.whl", "inner.whl")
    assert leaked(planted, file.read_bytes()) == {one}


def test_a_resolver_that_fails_tells_no_password_of_an_index(folder: Path, tmp_path: Path) -> None:
    planted, environment = plant(folder, tmp_path / "home")
    (folder / "requirements.lock").unlink()
    for name in ("PIP_INDEX_URL", "UV_INDEX_URL", "UV_DEFAULT_INDEX"):
        planted[name] = secret()
        environment[name] = f"http://me:{planted[name]}@127.0.0.1:9/simple"
    failing = {"PIP_CONFIG_FILE": os.devnull, "UV_CONFIG_FILE": "", "UV_NO_CONFIG": "1"}
    for verb, said in (
        ("lock", b"cannot be built as a wheel"),
        ("lock", b"the requirements cannot be locked"),
        ("build", b"the requirements cannot be locked"),
    ):
        if b"locked" in said:
            (folder / "minibento.yaml").write_text("include: ['**']\n")
        done = command({**environment, **failing}, verb, str(folder))
        assert done.returncode == 1
        assert said in done.stderr
        assert leaked(planted, done.stdout, done.stderr) == set()
    assert not (folder / "requirements.lock").exists()
