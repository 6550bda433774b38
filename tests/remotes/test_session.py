"""Requests to a registry that misbehaves: they end, in time, with the right words.

Where answers lead, which failures pass, and who is told who one is.
"""

import hashlib
import json
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from minibento.errors import MinibentoError, RemoteError
from minibento.store.store import Entry, Store
from tests.remotes.conftest import FILES, Login, fetch, send
from tests.remotes.registry_server import FakeRegistry, First, Handler, answers, running
from tests.store.conftest import Save

MODEL = hashlib.sha256(FILES["model.bin"]).hexdigest()


# Where answers lead ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://169.254.169.254/latest/meta-data",
        "http://evil.example/x",
        "http://me:pw@127.0.0.1/x",
        "gopher://127.0.0.1:70/",
        "https://",
        "//evil.example/x",
        "http://[",
    ],
)
def test_an_answer_that_leads_astray_is_not_followed(
    registry: FakeRegistry, other: Store, url: str, location: str
) -> None:
    registry.twist = First("GET", MODEL, 9, answers(307, Location=location))
    with pytest.raises(RemoteError, match="leads to"):
        fetch(other, url)
    registry.twist = First("POST", "uploads", 9, answers(202, Location=location))
    registry.blobs.clear()
    with pytest.raises(RemoteError, match="leads to"):
        send(other_version(other), registry.url())


def other_version(store: Store) -> Entry:
    with store.draft("credit") as draft:
        (draft.path / "new.txt").write_text("new")
        return draft.publish({})


def test_an_answer_that_leads_on_for_ever_is_given_up(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    def on(request: Handler) -> None:
        request.answer(302, Location=request.path)

    registry.twist = circle = First("GET", MODEL, 99, on)
    with pytest.raises(RemoteError, match="5 redirects are followed"):
        fetch(other, url)
    assert len(circle.seen) == 6


def test_an_answer_may_lead_elsewhere_but_who_one_is_stays_behind(
    registry: FakeRegistry, other: Store, url: str, login: Login
) -> None:
    login(registry.port)
    registry.password = "me:hunter2"  # noqa: S105 -- planted
    with running() as elsewhere:
        elsewhere.blobs = registry.blobs

        def away(request: Handler) -> None:
            request.answer(307, Location=f"http://127.0.0.1:{elsewhere.port}{request.path}")

        registry.twist = First("GET", MODEL, 9, away)
        other.verify(fetch(other, url).tag)
        assert elsewhere.paths("GET") != []
        assert elsewhere.authorizations() == {None}

        def and_back(request: Handler) -> bool:
            request.answer(307, Location=f"http://127.0.0.1:{registry.port}/v2/back")
            return True

        elsewhere.twist = and_back
        other.delete("credit")
        with pytest.raises(MinibentoError):
            fetch(other, url)
        back = [header for _, path, header in registry.asked if path == "/v2/back"]
        assert back == [None]


def test_an_upload_may_go_elsewhere_but_who_one_is_stays_behind(
    registry: FakeRegistry, save: Save, login: Login
) -> None:
    login(registry.port)
    registry.password = "me:hunter2"  # noqa: S105 -- planted
    with running() as elsewhere:

        def away(request: Handler) -> None:
            request.answer(202, Location=f"http://127.0.0.1:{elsewhere.port}{request.path}x")

        registry.twist = First("POST", "uploads", 1, away)
        send(save(files={"one": b"1"}), registry.url())
        assert len(elsewhere.blobs) == 1
        assert elsewhere.authorizations() == {None}


# Failures that pass, and those that do not ----------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("method", "part"), [("GET", "manifests"), ("HEAD", "blobs"), ("POST", "up"), ("PUT", "up")]
)
def test_a_failure_that_passes_is_waited_out(
    registry: FakeRegistry, save: Save, status: int, method: str, part: str
) -> None:
    registry.twist = First(method, part, 2, answers(status, Retry_After="0"))
    send(save(files=FILES), registry.url())
    assert len(registry.manifests) == 1


def test_a_name_is_written_again_only_where_the_registry_says_it_did_nothing(
    registry: FakeRegistry, save: Save
) -> None:
    registry.twist = First("PUT", "manifests", 2, answers(503))
    send(save(content="one"), registry.url())
    registry.twist = once = First("PUT", "manifests", 2, answers(500))
    with pytest.raises(RemoteError, match="500 to PUT: try again later"):
        send(save(content="two"), registry.url())
    assert len(once.seen) == 1


def test_who_is_asked_to_wait_long_gives_up_at_once(registry: FakeRegistry, save: Save) -> None:
    registry.twist = once = First("HEAD", "blobs", 9, answers(429, Retry_After="3600"))
    with pytest.raises(RemoteError, match="it is asked too often"):
        send(save(), registry.url())
    assert len(once.seen) == 1


@pytest.mark.parametrize(
    ("status", "mend"),
    [
        (400, "see what its log says"),
        (403, "no credentials for 127.0.0.1:.* are in .*docker login"),
        (404, "some registries want it made first"),
        (405, "is not to be written to"),
        (413, "client_max_body_size"),
        (507, "no room left"),
    ],
)
def test_a_refusal_says_what_to_do(
    registry: FakeRegistry, save: Save, status: int, mend: str
) -> None:
    body = json.dumps({"errors": [{"code": "DENIED", "message": "not\x1b[2J today"}]}).encode()
    registry.twist = First("POST", "uploads", 9, answers(status, body))
    with pytest.raises(RemoteError, match=mend) as caught:
        send(save(), registry.url())
    assert f"answers {status} (DENIED not" in str(caught.value)
    assert registry.manifests == {}


def test_nobody_there_no_name_and_no_certificate_are_told_apart(save: Save, other: Store) -> None:
    with running() as gone:
        url = gone.url()
    with pytest.raises(RemoteError, match=r"Connection refused.* check host, port and network"):
        send(save(), url)
    with pytest.raises(RemoteError, match="the name of the host is not known"):
        fetch(other, "oci://no-such-host.invalid/credit")


def test_who_speaks_no_tls_is_not_asked_without_it(
    registry: FakeRegistry, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("minibento.remotes.place.is_loopback", lambda host: False)
    with pytest.raises(RemoteError, match=r"does not speak TLS .* on this very machine only"):
        send(save(), registry.url())
    assert registry.asked == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="apt-get install openssl")
def test_a_certificate_that_nobody_vouches_for_is_refused_unless_it_is_named(
    save: Save, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    made = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *own, *made]
    subprocess.run(command, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    for module in ("place", "session"):
        monkeypatch.setattr(f"minibento.remotes.{module}.is_loopback", lambda host: False)
    with running(tls) as registry:
        with pytest.raises(RemoteError, match=r"not accepted \(self-signed.*SSL_CERT_FILE"):
            send(save(), registry.url())
        assert registry.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        moved = send(save(), registry.url())
        assert fetch(other, moved.url).tag == moved.tag

        def down(request: Handler) -> None:
            request.answer(307, Location=f"http://127.0.0.1:{registry.port}{request.path}")

        registry.twist = First("GET", "manifests", 9, down)
        with pytest.raises(RemoteError, match=r"leads to http://127\.0\.0\.1"):
            fetch(other, moved.url)


# Who one is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bearer", [False, True])
def test_a_password_is_given_when_it_is_asked_for(
    registry: FakeRegistry, save: Save, other: Store, login: Login, bearer: bool
) -> None:
    login(registry.port)
    registry.password, registry.bearer = "me:hunter2", bearer
    moved = send(save(files=FILES), registry.url())
    assert fetch(other, moved.url).tag == moved.tag
    tokens = [path for path in registry.paths("GET") if path.startswith("/token")]
    assert len(tokens) == (2 if bearer else 0)
    if bearer:
        assert "repository%3Ateam%2Fcredit%3Apull%2Cpush" in tokens[0]
        assert "repository%3Ateam%2Fcredit%3Apull&" in tokens[1]


def test_an_identity_token_is_exchanged(
    registry: FakeRegistry, save: Save, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.identity, registry.bearer = "hunter2", True
    file = tmp_path / "auth.json"
    file.write_text(
        json.dumps({"auths": {f"127.0.0.1:{registry.port}": {"identitytoken": "hunter2"}}})
    )
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(file))
    send(save(), registry.url())
    assert registry.paths("POST")[0] == "/token"
    assert not any("hunter2" in path for _, path, _ in registry.asked)


@pytest.mark.parametrize("bearer", [False, True])
def test_a_wrong_password_is_tried_once(
    registry: FakeRegistry, save: Save, login: Login, bearer: bool
) -> None:
    login(registry.port, "me:wrong-hunter2")
    registry.password, registry.bearer = "me:hunter2", bearer
    with pytest.raises(RemoteError, match=r"401.* does not let those in .*auth\.json do this"):
        send(save(), registry.url())
    assert len(registry.asked) == 2


def test_a_registry_that_never_has_enough_is_given_up(
    registry: FakeRegistry, save: Save, login: Login
) -> None:
    login(registry.port)
    registry.twist = circle = First(
        "GET", "manifests", 99, answers(401, WWW_Authenticate='Basic realm="again"')
    )
    with pytest.raises(RemoteError, match="401"):
        send(save(), registry.url())
    assert len(circle.seen) == 2


def test_without_credentials_the_places_that_were_looked_at_are_named(
    registry: FakeRegistry, save: Save
) -> None:
    registry.password = "me:hunter2"  # noqa: S105 -- planted
    with pytest.raises(
        RemoteError, match=r"no credentials for 127\.0\.0\.1:\d+ are in .*docker/config\.json"
    ):
        send(save(), registry.url())


@pytest.mark.parametrize(
    "realm", ["http://evil.example/token", "file:///etc/passwd", "", "http://[", "//x"]
)
def test_a_password_goes_to_no_place_that_is_not_followed(
    registry: FakeRegistry, save: Save, login: Login, realm: str
) -> None:
    login(registry.port)
    challenge = f'Bearer realm="{realm}",service="x"'
    registry.twist = First("GET", "manifests", 9, answers(401, WWW_Authenticate=challenge))
    with pytest.raises(RemoteError, match=r"leads to|names no place"):
        send(save(), registry.url())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": 5}', b'{"token": "a\\nb"}', b"{}"])
def test_what_is_no_token_is_not_used(
    registry: FakeRegistry, save: Save, login: Login, body: bytes
) -> None:
    login(registry.port)
    registry.password, registry.bearer = "me:hunter2", True
    registry.twist = First("GET", "/token", 9, answers(200, body))
    with pytest.raises(RemoteError, match="gave no token"):
        send(save(), registry.url())


def test_a_token_that_has_run_out_is_renewed_in_the_midst_of_an_upload(
    registry: FakeRegistry, save: Save, login: Login
) -> None:
    login(registry.port)
    registry.password, registry.bearer = "me:hunter2", True
    realm = f'Bearer realm="http://127.0.0.1:{registry.port}/token"'
    registry.twist = First("PUT", "uploads", 1, answers(401, WWW_Authenticate=realm))
    entry = save(files=FILES)
    send(entry, registry.url())
    assert registry.blobs[f"sha256:{MODEL}"] == FILES["model.bin"]
