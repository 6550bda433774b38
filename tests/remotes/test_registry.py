"""The client of registries where content or manifests are not what they should be."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from minibento.errors import Corrupt, RemoteError
from minibento.remotes import image
from minibento.remotes.address import Address
from minibento.remotes.base import opened
from minibento.store.manifest import MANIFEST, Manifest
from minibento.store.store import Store
from tests.remotes.conftest import FILES, fetch, send
from tests.remotes.registry_server import FakeRegistry, First, Handler, answers, digest_of, head
from tests.remotes.test_transfer import untouched
from tests.store.conftest import Save

MODEL = hashlib.sha256(FILES["model.bin"]).hexdigest()


def chunked(request: Handler, pieces: Any) -> None:
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    for piece in pieces:
        request.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    request.wfile.write(b"0\r\n\r\n")


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
