"""Push and pull, the same at every kind of place."""

import hashlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from minibento.errors import AlreadyExists, Corrupt, NotFound, StoreError, Untrusted
from minibento.remotes.address import Address
from minibento.remotes.base import opened
from minibento.remotes.transfer import pull, push
from minibento.store import arrival
from minibento.store.arrival import BUNDLE, EXECUTES_CODE
from minibento.store.manifest import Manifest
from minibento.store.store import Store
from tests.remotes.conftest import FILES, Silent, fetch, send
from tests.remotes.registry_server import FakeRegistry, Handler
from tests.store.conftest import Save

SIZE = sum(map(len, FILES.values()))
SOURCE = Path(__file__).parents[2]
PULL = """
import sys
from pathlib import Path
from minibento.store.store import Store
from tests.remotes.conftest import fetch
print(fetch(Store(Path(sys.argv[1])), sys.argv[2]).tag)
"""


def untouched(store: Store) -> bool:
    area = store.folder / ".staging"
    return store.list() == [] and (not area.exists() or list(area.iterdir()) == [])


def spoil(place: str, registry: FakeRegistry | None, old: bytes, new: bytes) -> None:
    """Replace content at a place that somebody else can write to."""
    sha256 = hashlib.sha256(old).hexdigest()
    if registry is not None:
        registry.blobs[f"sha256:{sha256}"] = new
    elif place.startswith("file"):
        Path(place.removeprefix("file://"), "blobs/sha256", sha256[:2], sha256).write_bytes(new)
    else:
        import s3fs

        path = f"{place.removeprefix('s3://')}/blobs/sha256/{sha256[:2]}/{sha256}"
        s3fs.S3FileSystem(skip_instance_cache=True).pipe_file(path, new)


def test_what_is_pushed_comes_back_the_same(
    store: Store, other: Store, save: Save, place: str
) -> None:
    entry = save(files=FILES, about={"labels": {"owner": "risk"}})
    moved = send(entry, place)
    assert (moved.tag, moved.url) == (entry.tag, f"{place}:{entry.tag.version}")
    assert (moved.sent, moved.skipped) == (SIZE - 1, 1)
    found = fetch(other, moved.url)
    assert (found.tag, found.about) == (entry.tag, {"labels": {"owner": "risk"}})
    other.verify(found.tag)
    assert {name: found.read(name) for name in FILES} == FILES
    assert (found.source, found.trusted) == (moved.url, False)


def test_only_what_is_missing_moves(store: Store, other: Store, save: Save, place: str) -> None:
    one = save(files=FILES)
    send(one, place)
    again = send(one, place)
    assert (again.sent, again.skipped) == (0, SIZE)
    two = save(files={**FILES, "new.txt": b"new"})
    moved = send(two, place)
    assert (moved.sent, moved.skipped) == (3, SIZE)
    fetch(other, f"{place}:{one.tag.version}")
    watched = Silent()
    entry, got = pull(other, Address.parse(moved.url), watched, trust=False, latest=False)
    assert (got.sent, got.skipped, watched.begun) == (3, SIZE, [("new.txt", 3)])
    other.verify(entry.tag)


def test_progress_counts_every_byte_that_moves(
    store: Store, other: Store, save: Save, place: str
) -> None:
    sending, receiving = Silent(), Silent()
    moved = push(save(files=FILES), Address.parse(place), sending)
    assert (sending.count, len(sending.begun)) == (SIZE - 1, 3)
    pull(other, Address.parse(moved.url), receiving, trust=False, latest=False)
    assert receiving.count == SIZE - 1


def test_what_is_here_and_broken_is_fetched_again(
    store: Store, other: Store, save: Save, place: str
) -> None:
    one = save(files=FILES)
    send(one, place)
    here = fetch(other, f"{place}:{one.tag.version}")
    (here.path / "model.bin").chmod(0o644)
    (here.path / "model.bin").write_bytes(bytes(len(FILES["model.bin"])))
    other.verify(fetch(other, f"{place}:{one.tag.version}").tag)


def test_a_name_moves_and_a_version_stays(
    store: Store, other: Store, save: Save, place: str
) -> None:
    one, two = save(content="one"), save(content="two")
    send(one, f"{place}:production")
    send(two, f"{place}:production")
    assert fetch(other, f"{place}:production").tag == two.tag
    assert fetch(other, f"{place}:{one.tag.version}").tag == one.tag


def test_without_a_name_latest_is_meant_else_those_there_are_are_listed(
    store: Store, other: Store, save: Save, place: str
) -> None:
    with pytest.raises(NotFound, match=r"nothing has been pushed there|there is no folder"):
        fetch(other, place)
    entry = save()
    send(entry, f"{place}:production")
    with pytest.raises(NotFound, match=f"which version. There is {entry.tag.version}, production"):
        fetch(other, place)
    with pytest.raises(NotFound, match=r":staging: that is not there\. There is"):
        fetch(other, f"{place}:staging")
    send(entry, f"{place}:latest")
    assert fetch(other, place).tag == entry.tag


def test_a_version_of_ones_own_choice_never_comes_to_stand_for_another(
    store: Store, other: Store, save: Save, place: str
) -> None:
    one = save(content="one", version="v1")
    send(one, place)
    send(one, place)
    two = save(content="two")
    with pytest.raises(AlreadyExists, match="v1 is credit:v1, with other content"):
        send(two, f"{place}:v1")
    send(two, f"{place}:v2")
    with pytest.raises(AlreadyExists, match=f"v2 is {two.tag}"):
        send(save(content="three", version="v2"), place)
    store.delete(one.tag)
    with pytest.raises(AlreadyExists):
        send(save(content="other", version="v1"), place)
    assert fetch(other, f"{place}:v1").tag == one.tag


def test_a_pull_becomes_latest_only_if_asked_or_alone(
    store: Store, other: Store, save: Save, place: str
) -> None:
    one, two = send(save(content="one"), place), send(save(content="two"), place)
    fetch(other, one.url)
    fetch(other, two.url)
    assert other.get("credit").tag == one.tag
    fetch(other, two.url, latest=True)
    assert other.get("credit").tag == two.tag


def test_what_can_execute_code_is_pulled_only_with_trust_which_is_recorded(
    store: Store, other: Store, save: Save, place: str
) -> None:
    moved = send(save(files={"m.pkl": b"x"}, about={EXECUTES_CODE: True}), place)
    with pytest.raises(Untrusted, match=r"'m\.pkl' can execute code .* pull it with --trust"):
        fetch(other, moved.url)
    assert untouched(other)
    assert fetch(other, moved.url, trust=True).trusted


def test_another_digest_than_was_asked_for_is_refused(
    store: Store, other: Store, save: Save, place: str
) -> None:
    one = send(save(content="one"), f"{place}:production")
    two = send(save(content="two"), f"{place}:production")
    where = Address.parse(f"{place}:production")
    with pytest.raises(Corrupt, match=f"has the digest {two.digest}, not {one.digest}"):
        pull(other, where, Silent(), trust=False, latest=False, digest=one.digest)
    assert untouched(other)
    upper = two.digest.upper()
    assert pull(other, where, Silent(), trust=False, latest=False, digest=upper)[0].tag == two.tag


def test_bundles_and_models_are_not_mixed_up(
    store: Store, other: Store, save: Save, place: str, tmp_path: Path
) -> None:
    moved = send(save(about={BUNDLE: {}}), place)
    with pytest.raises(StoreError, match=f"of the bundles: minibento bundles pull {place}"):
        fetch(other, moved.url)
    assert untouched(other)
    assert fetch(Store(tmp_path / "other", "bundles"), moved.url).tag == moved.tag


def test_each_name_is_looked_up_once_by_a_push(save: Save, registry: FakeRegistry) -> None:
    entry, url = save(files=FILES), registry.url()
    send(entry, f"{url}:production")
    registry.asked.clear()
    send(entry, f"{url}:production")
    names = [path.rpartition("/manifests/")[2] for path in registry.paths("GET") if "/man" in path]
    assert sorted(names) == sorted([str(entry.tag.version), "production"])
    assert not [path for path in registry.paths("GET") if "/tags/" in path]


def test_a_place_of_bundles_takes_no_model(save: Save, place: str) -> None:
    send(save(about={BUNDLE: {}}), f"{place}:production")
    model = save(files={"other": b"model"})
    for where in (place, f"{place}:production"):
        with pytest.raises(
            AlreadyExists, match=r"holds bundles, .* is of the models: push it to a"
        ):
            send(model, where)


def test_limits_hold_before_anything_is_fetched(
    store: Store, other: Store, save: Save, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved = send(save(files=FILES), place)
    monkeypatch.setattr(arrival, "MAX_FILES", 3)
    with pytest.raises(StoreError, match=r"has 4 files of .* at most 3 files"):
        fetch(other, moved.url)
    assert untouched(other)


@pytest.mark.parametrize(
    "wrong", [b"", b"x" * (SIZE - 2), b"x" * 10_000_000, FILES["model.bin"][:-1] + b"!"]
)
def test_content_that_is_not_what_was_pushed_is_refused_and_nothing_is_kept(
    other: Store, save: Save, place: str, request: pytest.FixtureRequest, wrong: bytes
) -> None:
    moved = send(save(files=FILES), place)
    registry = request.getfixturevalue("registry") if place.startswith("oci") else None
    spoil(place, registry, FILES["model.bin"], wrong)
    watched = Silent()
    with pytest.raises(Corrupt, match=r"cannot be pulled: 'model\.bin'.* push the version again"):
        pull(other, Address.parse(moved.url), watched, trust=False, latest=False)
    assert untouched(other)
    # No further than its declared size, and no file after it.
    assert watched.count <= len(FILES["model.bin"])
    assert [path for path, _ in watched.begun] == ["empty", "model.bin"]


def test_a_version_that_is_broken_here_is_not_sent(
    store: Store, other: Store, save: Save, place: str
) -> None:
    entry = save(files=FILES)
    (entry.path / "model.bin").chmod(0o644)
    (entry.path / "model.bin").write_bytes(bytes(len(FILES["model.bin"])))
    with pytest.raises(Corrupt, match=r"'model\.bin' was changed"):
        send(entry, place)
    with pytest.raises(NotFound, match="nothing has been pushed there"):
        fetch(other, place)


def test_two_pushes_at_once_that_share_content_both_succeed(
    store: Store, other: Store, save: Save, place: str
) -> None:
    entries = [save(files={**FILES, "n": str(number).encode()}) for number in range(4)]
    together = threading.Barrier(len(entries))

    def sent(number: int) -> str:
        together.wait(10)
        return send(entries[number], f"{place}:production").url

    with ThreadPoolExecutor(len(entries)) as pool:
        assert set(pool.map(sent, range(len(entries)))) == {f"{place}:production"}
    for entry in entries:
        other.verify(fetch(other, f"{place}:{entry.tag.version}").tag)
    assert fetch(other, f"{place}:production").tag in {entry.tag for entry in entries}


def test_a_pull_that_is_killed_leaves_nothing_to_be_seen(
    registry: FakeRegistry, other: Store, save: Save, tmp_path: Path
) -> None:
    moved = send(save(files=FILES), registry.url())
    half_way = threading.Event()

    def stall(request: Handler) -> bool:
        if request.command != "GET" or hashlib.sha256(FILES["model.bin"]).hexdigest() not in (
            request.path
        ):
            return False
        request.send_response(200)
        request.send_header("Content-Length", str(len(FILES["model.bin"])))
        request.end_headers()
        request.wfile.write(FILES["model.bin"][:100_000])
        request.wfile.flush()
        half_way.set()
        registry.stopped.wait(60)
        return True

    registry.twist = stall
    command = [sys.executable, "-c", PULL, str(tmp_path / "other"), moved.url]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(command, env=environment) as process:
        assert half_way.wait(60)
        process.kill()
    assert other.list() == []
    assert list((other.folder / ".staging").iterdir()) != []
    registry.twist = lambda _: False
    assert fetch(other, moved.url).tag == moved.tag
    assert list((other.folder / ".staging").iterdir()) == []


def test_every_place_says_what_it_has(save: Save, place: str) -> None:
    entry = save(files=FILES)
    send(entry, f"{place}:production")
    with opened(Address.parse(place), writing=False) as remote:
        assert remote.names() == sorted([str(entry.tag.version), "production"])
        found = remote.find("production")
        assert found is not None
        assert found.manifest == Manifest.from_bytes((entry.path / "manifest.json").read_bytes())
        assert remote.find("nothing") is None
