"""What registries ask for, in the forms in which they do."""

from pathlib import Path

import pytest

from minibento.remotes.challenge import Challenge, parse
from minibento.remotes.credentials import Credentials

OFFERED = 'Bearer realm="https://auth.example/token",service="registry.example"'
HERE = Path("config.json")
BEARER = Challenge("bearer", "https://auth.example/token", "registry.example")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], None),
        ([""], None),
        (["Negotiate"], None),
        (['Basic realm="Registry Realm"'], Challenge("basic", "Registry Realm")),
        (["basic"], Challenge("basic")),
        (
            ['Bearer realm="https://auth.example/token",service="registry.example",scope="x:y:z"'],
            BEARER,
        ),
        (
            ['BEARER service=registry.example , realm = "https://auth.example/token"'],
            BEARER,
        ),
        (
            [f'Basic realm="x", {OFFERED}'],
            BEARER,
        ),
        (
            ['Basic realm="x"', OFFERED],
            BEARER,
        ),
        (['Bearer realm="a\\"b"'], Challenge("bearer", 'a"b')),
    ],
)
def test_a_challenge_is_understood(headers: list[str], expected: Challenge | None) -> None:
    assert parse(headers) == expected


def test_a_token_is_asked_for_with_a_password_or_without() -> None:
    url = (
        "https://auth.example/token?service=registry.example"
        "&scope=repository%3Aa%3Apull&client_id=minibento"
    )
    anonymous = BEARER.token_request("repository:a:pull", None)
    assert (anonymous.url, anonymous.authorization, anonymous.form) == (url, None, None)
    known = BEARER.token_request("repository:a:pull", Credentials(HERE, "me", "hunter2"))
    assert (known.url, known.authorization) == (url, "Basic bWU6aHVudGVyMg==")
    assert "hunter2" not in repr(known)
    assert "bWU6" not in repr(known)


def test_an_identity_token_is_exchanged_in_a_body_not_in_a_url() -> None:
    request = BEARER.token_request("s", Credentials(HERE, "", "hunter2", identity=True))
    assert request.url == "https://auth.example/token"
    assert request.form is not None
    assert b"refresh_token=hunter2" in request.form
    assert "hunter2" not in repr(request)
