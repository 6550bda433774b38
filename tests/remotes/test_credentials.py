"""Where credentials are found, and that they are in no repr, message or argument."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from minibento.errors import RemoteError
from minibento.remotes.credentials import find, places

SECRET = "hunter2:with colon"  # noqa: S105 -- planted, to be found nowhere


def auth(user: str = "me", secret: str = SECRET) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}


def write(path: Path, **config: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    return tmp_path / "docker" / "config.json"


def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "docker-credential-vault"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")


def test_a_password_is_found_and_not_shown(docker: Path) -> None:
    write(docker, auths={"host:5000": auth()})
    found = find("host:5000", "team/credit")
    assert found is not None
    assert (found.user, found.secret, found.place) == ("me", SECRET, docker)
    assert "hunter2" not in repr(found)
    assert "me" not in repr(found).replace("docker", "").split("place")[0]
    assert find("host", "team/credit") is None


def test_the_first_place_that_has_some_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "nobody"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "named.json"))
    order = [
        tmp_path / "named.json",
        tmp_path / "run" / "containers" / "auth.json",
        home / ".config" / "containers" / "auth.json",
        home / ".docker" / "config.json",
    ]
    assert places() == order
    for number, place in reversed(list(enumerate(order))):
        write(place, auths={"host": auth(user=str(number))})
        found = find("host", "credit")
        assert found is not None
        assert found.user == str(number)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    assert places()[1] == tmp_path / "docker" / "config.json"
    assert home / ".docker" / "config.json" not in places()


def test_the_entry_that_says_most_of_the_repository_is_taken(docker: Path) -> None:
    write(docker, auths={"host": auth("a"), "host/team": auth("b"), "host/team/credit": auth("c")})

    def user(repository: str) -> str:
        found = find("host", repository)
        assert found is not None
        return found.user

    assert [user(one) for one in ("other", "team/x", "team/credit")] == ["a", "b", "c"]


@pytest.mark.parametrize("key", ["https://host", "http://host/", "https://host/v1/", "host/v2"])
def test_a_key_may_be_a_url(docker: Path, key: str) -> None:
    write(docker, auths={key: auth()})
    assert find("host", "credit") is not None


def test_docker_hub_is_called_as_docker_calls_it(docker: Path) -> None:
    write(docker, auths={"https://index.docker.io/v1/": auth()})
    assert find("docker.io", "me/credit") is not None


def test_an_identity_token_is_one(docker: Path) -> None:
    write(docker, auths={"host": {**auth("", ""), "identitytoken": SECRET}})
    found = find("host", "credit")
    assert found is not None
    assert found.identity
    assert found.secret == SECRET


@pytest.mark.parametrize(
    "text",
    [
        f'{{"auths": {{"host": "{SECRET}',
        f'["{SECRET}"]',
        json.dumps({"auths": {"host": {"auth": SECRET}}}),
        json.dumps({"auths": {"host": {"auth": base64.b64encode(b"hunter2").decode()}}}),
        json.dumps({"credsStore": "../hunter2"}),
        json.dumps({"credsStore": "not-installed"}),
    ],
)
def test_a_file_that_is_broken_is_named_and_not_quoted(docker: Path, text: str) -> None:
    docker.parent.mkdir()
    docker.write_text(text)
    with pytest.raises(
        RemoteError, match=r"config\.json cannot be used: .* log in again"
    ) as caught:
        find("host", "credit")
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_helper_is_asked_on_its_standard_input(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"Username": "me", "Secret": SECRET})
    script = f"""echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/asked; echo '{answer}'"""
    helper(tmp_path, monkeypatch, script)
    write(docker, credHelpers={"host:5000": "vault"}, auths={"host:5000": {}})
    found = find("host:5000", "credit")
    assert found is not None
    assert (found.user, found.secret, found.identity) == ("me", SECRET, False)
    assert (tmp_path / "asked").read_text() == "host:5000"
    assert (tmp_path / "arguments").read_text() == "get\n"


def test_a_helper_for_all_is_asked_and_may_know_nothing(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "echo 'credentials not found in native keychain'; exit 1")
    write(docker, credsStore="vault", auths={"host": auth("file")})
    found = find("host", "credit")
    assert found is not None
    assert found.user == "file"


def test_a_helper_may_give_an_identity_token(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"Username": "<token>", "Secret": SECRET})
    helper(tmp_path, monkeypatch, f"echo '{answer}'")
    write(docker, credsStore="vault")
    found = find("host", "credit")
    assert found is not None
    assert found.identity


def test_what_a_failing_helper_prints_is_not_shown(
    docker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper(tmp_path, monkeypatch, "echo 'cannot parse hunter2'; echo hunter2 >&2; exit 3")
    write(docker, credsStore="vault")
    with pytest.raises(RemoteError, match=r"exit code 3; see: echo host \|") as caught:
        find("host", "credit")
    assert "hunter2" not in str(caught.value)
