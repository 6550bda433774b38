"""The client of registries against one that misbehaves: it ends, in time, with the right words."""

import hashlib
import json
import shutil
import ssl
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from minibento.errors import Corrupt, MinibentoError, RemoteError
from minibento.remotes import image
from minibento.remotes.address import Address
from minibento.remotes.base import opened
from minibento.store.manifest import MANIFEST, Manifest
from minibento.store.store import Store
from tests.remotes.conftest import FILES, fetch, send
from tests.remotes.registry_server import FakeRegistry, Handler, digest_of, running
from tests.remotes.test_transfer import untouched
from tests.store.conftest import Save

MODEL = hashlib.sha256(FILES["model.bin"]).hexdigest()
Twist = Callable[[Handler], bool]


@dataclass
class First:
    """Leaves all requests of one kind to `twist` for the first few times."""

    method: str
    part: str
    times: int
    twist: Callable[[Handler], None]
    seen: list[str | None] = field(default_factory=list)

    def __call__(self, request: Handler) -> bool:
        if request.command != self.method or self.part not in request.path:
            return False
        self.seen.append(request.headers.get("Range"))
        if len(self.seen) > self.times:
            return False
        self.twist(request)
        return True


@pytest.fixture
def url(registry: FakeRegistry, save: Save) -> str:
    """A version that the registry has."""
    return send(save(files=FILES), registry.url()).url


def head(request: Handler, length: int | None, status: int = 200, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()


def chunked(request: Handler, pieces: Any) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for piece in pieces:
        request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    request.wfile.write(b"0\r\n\r\n")


def answers(status: int, body: bytes = b"", **headers: str) -> Callable[[Handler], None]:
    def twist(request: Handler) -> None:
        request.body()
        request.answer(status, body, **headers)

    return twist


# Content that is not what it should be --------------------------------------------------------


def test_content_without_end_is_read_no_further_than_declared(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    written = []

    def endless() -> Any:
        while not registry.stopped.is_set():
            written.append(1)
            yield bytes(65536)

    registry.twist = First("GET", MODEL, 9, lambda request: chunked(request, endless()))
    with pytest.raises(Corrupt, match=f"goes on after its {len(FILES['model.bin'])} bytes"):
        fetch(other, url)
    assert len(written) < 200
    assert untouched(other)


def test_a_length_that_is_not_the_declared_one_is_refused_unread(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    registry.twist = First("GET", MODEL, 9, lambda request: head(request, 10**12))
    with pytest.raises(Corrupt, match="has 1000000000000 bytes, not 320000"):
        fetch(other, url)


def test_a_drip_and_a_silence_are_given_up(registry: FakeRegistry, other: Store, url: str) -> None:
    def drip(request: Handler) -> None:
        head(request, len(FILES["model.bin"]))
        request.drip(0.02)

    registry.twist = First("GET", MODEL, 9, drip)
    with pytest.raises(RemoteError, match=r"bytes in \d+ s: given up"):
        fetch(other, url)

    def silent(request: Handler) -> None:
        registry.stopped.wait(60)

    registry.twist = First("GET", "manifests", 9, silent)
    with pytest.raises(RemoteError, match="silence, given up"):
        fetch(other, url)
    assert untouched(other)


def test_a_connection_that_breaks_is_made_again_from_there(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    def half(request: Handler) -> None:
        head(request, len(FILES["model.bin"]))
        request.wfile.write(FILES["model.bin"][:100_000])
        request.close_connection = True

    registry.twist = broken = First("GET", MODEL, 1, half)
    other.verify(fetch(other, url).tag)
    assert broken.seen == [None, "bytes=100000-"]


def test_a_registry_that_does_not_know_ranges_sends_all_again(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    def half(request: Handler) -> None:
        whole = len(broken.seen) > 1
        head(request, len(FILES["model.bin"]))
        request.wfile.write(FILES["model.bin"] if whole else FILES["model.bin"][:100_000])
        request.close_connection = True

    registry.twist = broken = First("GET", MODEL, 2, half)
    other.verify(fetch(other, url).tag)
    assert len(broken.seen) == 2


def test_another_part_than_was_asked_for_is_refused(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    def half(request: Handler) -> None:
        if len(broken.seen) > 1:
            head(request, 10, status=206, Content_Range="bytes 5-14/320000")
        else:
            head(request, len(FILES["model.bin"]))
            request.wfile.write(FILES["model.bin"][:100_000])
        request.close_connection = True

    registry.twist = broken = First("GET", MODEL, 2, half)
    with pytest.raises(RemoteError, match="sends another part"):
        fetch(other, url)
    assert untouched(other)


def test_a_connection_that_breaks_each_time_is_given_up(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    def none(request: Handler) -> None:
        request.close_connection = True

    registry.twist = broken = First("GET", MODEL, 99, none)
    with pytest.raises(RemoteError, match=r"cannot be reached .* check host, port and network"):
        fetch(other, url)
    assert len(broken.seen) == 3


# Manifests that are not ours ------------------------------------------------------------------


def rewritten(registry: FakeRegistry, url: str, change: Callable[[dict[str, Any]], None]) -> None:
    name = url.rpartition(":")[2]
    document = json.loads(registry.manifests[name])
    change(document)
    registry.manifests[name] = json.dumps(document).encode()


def reconfigured(registry: FakeRegistry, url: str, config: bytes) -> None:
    def change(document: dict[str, Any]) -> None:
        document["config"].update(digest=digest_of(config), size=len(config))

    registry.blobs[digest_of(config)] = config
    rewritten(registry, url, change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: one.update(mediaType="application/vnd.oci.image.index.v1+json"), "no OCI"),
        (lambda one: one.update(artifactType="application/x"), "is of the type 'application/x'"),
        (lambda one: one.pop("artifactType"), "is of the type None"),
        (lambda one: one["config"].update(mediaType="image/svg"), "type 'image/svg'"),
        (lambda one: one.pop("config"), "is no OCI manifest of a version"),
        (lambda one: one["config"].update(size=10**12), "at most 67108864 may be"),
        (lambda one: one["config"].update(size=True), "is no OCI manifest of a version"),
        (lambda one: one["config"].update(size=1), r"bytes, not 1"),
        (lambda one: one["config"].update(digest="sha256:../../x"), "is no OCI manifest"),
        (lambda one: one["config"].update(digest=5), "is no OCI manifest"),
        (lambda one: one["layers"].pop(), "lists other files than its config"),
        (lambda one: one["layers"][0]["annotations"].clear(), "has a layer without title"),
        (
            lambda one: one["layers"][0]["annotations"].update(
                {"org.opencontainers.image.title": "../x"}
            ),
            "lists other files than its config",
        ),
    ],
)
def test_what_push_has_not_made_is_refused(
    registry: FakeRegistry,
    other: Store,
    url: str,
    change: Callable[[dict[str, Any]], None],
    reason: str,
) -> None:
    rewritten(registry, url, change)
    with pytest.raises(Corrupt, match=reason):
        fetch(other, url)
    assert untouched(other)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'"x"'])
def test_what_is_no_manifest_at_all_is_refused(
    registry: FakeRegistry, other: Store, url: str, body: bytes
) -> None:
    registry.manifests[url.rpartition(":")[2]] = body
    with pytest.raises(Corrupt, match="it is nothing that `push` has made"):
        fetch(other, url)


def test_a_manifest_of_any_length_is_not_read_to_its_end(
    registry: FakeRegistry, other: Store, url: str
) -> None:
    registry.manifests[url.rpartition(":")[2]] = b" " * (5 << 20)
    with pytest.raises(RemoteError, match="more than the 4194304 bytes"):
        fetch(other, url)


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\\x", "", MANIFEST])
def test_a_path_out_of_the_folder_is_refused_whoever_vouches(
    registry: FakeRegistry, store: Store, other: Store, url: str, path: str
) -> None:
    manifest = json.loads((store.get("credit").path / MANIFEST).read_bytes())
    manifest["files"] = {path: manifest["files"]["model.bin"]}
    reconfigured(registry, url, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    with pytest.raises(Corrupt):
        fetch(other, url, trust=True)
    assert untouched(other)


def test_a_config_that_is_another_versions_is_refused(
    registry: FakeRegistry, other: Store, url: str, save: Save
) -> None:
    config = (save(content="two").path / MANIFEST).read_bytes()
    reconfigured(registry, url, config)
    with pytest.raises(Corrupt, match="lists other files"):
        fetch(other, url)
    reconfigured(registry, url, config)
    registry.blobs[digest_of(config)] = config[:-3] + b"x}\n"
    with pytest.raises(Corrupt, match="not what its digest says"):
        fetch(other, url)


def test_more_files_than_a_manifest_can_list_are_refused_before_anything_is_sent(
    registry: FakeRegistry, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image, "MAX_IMAGE", 600)
    with pytest.raises(RemoteError, match=r"has 4 files.* registries take 600.*s3:// or file://"):
        send(save(files=FILES), registry.url())
    assert registry.asked == []


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


def other_version(store: Store) -> Any:
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
    registry: FakeRegistry, other: Store, url: str, login: Callable[..., None]
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
    registry: FakeRegistry, save: Save, login: Callable[..., None]
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


def test_all_pages_of_names_are_read(registry: FakeRegistry, url: str) -> None:
    registry.page = 2
    for number in range(5):
        registry.manifests[f"v{number}"] = b""
    with opened(Address.parse(url), writing=False) as remote:
        assert remote.names() == sorted(registry.manifests)


def test_pages_that_bring_nothing_new_are_the_last(registry: FakeRegistry, url: str) -> None:
    same = answers(200, json.dumps({"tags": ["a"]}).encode(), Link='</x>; rel="next"')
    registry.twist = circle = First("GET", "tags", 10**6, same)
    with opened(Address.parse(url), writing=False) as remote:
        assert remote.names() == ["a"]
    assert len(circle.seen) == 2


# Who one is -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bearer", [False, True])
def test_a_password_is_given_when_it_is_asked_for(
    registry: FakeRegistry, save: Save, other: Store, login: Callable[..., None], bearer: bool
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
    registry: FakeRegistry, save: Save, login: Callable[..., None], bearer: bool
) -> None:
    login(registry.port, "me:wrong-hunter2")
    registry.password, registry.bearer = "me:hunter2", bearer
    with pytest.raises(RemoteError, match=r"401.* does not let those in .*auth\.json do this"):
        send(save(), registry.url())
    assert len(registry.asked) == 2


def test_a_registry_that_never_has_enough_is_given_up(
    registry: FakeRegistry, save: Save, login: Callable[..., None]
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
    registry: FakeRegistry, save: Save, login: Callable[..., None], realm: str
) -> None:
    login(registry.port)
    challenge = f'Bearer realm="{realm}",service="x"'
    registry.twist = First("GET", "manifests", 9, answers(401, WWW_Authenticate=challenge))
    with pytest.raises(RemoteError, match=r"leads to|names no place"):
        send(save(), registry.url())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"token": 5}', b'{"token": "a\\nb"}', b"{}"])
def test_what_is_no_token_is_not_used(
    registry: FakeRegistry, save: Save, login: Callable[..., None], body: bytes
) -> None:
    login(registry.port)
    registry.password, registry.bearer = "me:hunter2", True
    registry.twist = First("GET", "/token", 9, answers(200, body))
    with pytest.raises(RemoteError, match="gave no token"):
        send(save(), registry.url())


def test_a_token_that_has_run_out_is_renewed_in_the_midst_of_an_upload(
    registry: FakeRegistry, save: Save, login: Callable[..., None]
) -> None:
    login(registry.port)
    registry.password, registry.bearer = "me:hunter2", True
    realm = f'Bearer realm="http://127.0.0.1:{registry.port}/token"'
    registry.twist = First("PUT", "uploads", 1, answers(401, WWW_Authenticate=realm))
    entry = save(files=FILES)
    send(entry, registry.url())
    assert registry.blobs[f"sha256:{MODEL}"] == FILES["model.bin"]


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Leaves a password where `skopeo login` does."""

    def login(port: int, password: str = "me:hunter2") -> None:  # noqa: S107 -- planted
        import base64

        auth = {"auth": base64.b64encode(password.encode()).decode()}
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {f"127.0.0.1:{port}": auth}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))

    return login


def test_an_image_is_always_the_same_bytes(save: Save) -> None:
    manifest = Manifest.from_bytes((save(files=FILES).path / MANIFEST).read_bytes())
    data, config = image.image_of(manifest)
    assert image.image_of(manifest) == (data, config)
    assert image.config_of(data) == config
    image.check_layers(data, manifest)
    titles = [
        layer["annotations"]["org.opencontainers.image.title"]
        for layer in json.loads(data)["layers"]
    ]
    assert titles == sorted(FILES)
