"""Against a registry and clients that others have written: docker-registry, skopeo, oras."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from oras.client import OrasClient

from minibento.errors import RemoteError
from minibento.store.store import Store
from tests.remotes.conftest import FILES, fetch, send
from tests.store.conftest import Save

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("docker-registry") is None or shutil.which("skopeo") is None,
        reason="apt-get install --no-install-recommends docker-registry skopeo",
    ),
]

PASSWORD = "hunter2"  # noqa: S105 -- of a registry that lives for one test
HTPASSWD = "me:$2y$05$utAeIEoncuiSROC6kyc5/uaXVUZ4JLrS3F84HXM1SvZiAQlV44e7q"
START_SECONDS = 30.0
SOURCE = Path(__file__).parents[2]
PUSH = "import sys; from minibento.cli.main import main; main(sys.argv[1:])"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    """Host and port of a registry that lets in who knows the password."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path / "registry"
    folder.mkdir()
    (folder / "htpasswd").write_text(HTPASSWD + "\n")
    config = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "auth": {"htpasswd": {"realm": "tests", "path": str(folder / "htpasswd")}},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
        ) as process,
    ):
        try:
            until = time.monotonic() + START_SECONDS
            while not _answers(port):
                assert time.monotonic() < until, (folder / "log").read_text()
                threading.Event().wait(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            process.send_signal(signal.SIGKILL)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def logged_in(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same, after `skopeo login`."""
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    skopeo("login", "--tls-verify=false", "-u", "me", "--password-stdin", host, typed=PASSWORD)
    return host


def skopeo(*arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        ["skopeo", *arguments],
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_skopeo_login_wrote_is_enough(
    logged_in: str, save: Save, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = save(files=FILES)
    url = f"oci://{logged_in}/team/credit"
    moved = send(entry, f"{url}:production")
    assert send(entry, url).sent == 0
    other.verify(fetch(other, f"{url}:production").tag)
    assert fetch(other, f"{url}:{entry.tag.version}").tag == moved.tag
    monkeypatch.delenv("REGISTRY_AUTH_FILE")
    with pytest.raises(RemoteError, match=r"401 .*UNAUTHORIZED.*no credentials for"):
        fetch(other, f"{url}:production")


def test_skopeo_sees_and_copies_what_was_pushed_and_its_copy_is_pulled(
    logged_in: str, save: Save, other: Store, tmp_path: Path
) -> None:
    moved = send(save(files=FILES), f"oci://{logged_in}/team/credit:production")
    source = f"docker://{logged_in}/team/credit:production"
    raw = json.loads(skopeo("inspect", "--raw", "--tls-verify=false", source))
    assert raw["artifactType"] == "application/vnd.minibento.model.v1"
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false", "--preserve-digests")
    copy = f"docker://{logged_in}/copies/credit:v2"
    skopeo("copy", *plain, source, copy)
    found = fetch(other, f"oci://{logged_in}/copies/credit:v2")
    assert found.tag == moved.tag
    other.verify(found.tag)
    skopeo("copy", *plain, source, f"dir:{tmp_path}/folder")
    digests = {path.name for path in (tmp_path / "folder").iterdir()}
    assert {record.sha256 for record in found.files} <= digests


def test_oras_gets_the_folder(logged_in: str, save: Save, tmp_path: Path) -> None:
    send(save(files=FILES), f"oci://{logged_in}/team/credit:production")
    client = OrasClient(hostname=logged_in, insecure=True, auth_backend="basic")
    client.auth.set_basic_auth("me", PASSWORD)
    client.pull(target=f"{logged_in}/team/credit:production", outdir=str(tmp_path / "got"))
    got = {
        path.relative_to(tmp_path / "got").as_posix(): path.read_bytes()
        for path in (tmp_path / "got").rglob("*")
        if path.is_file()
    }
    assert got == FILES


def test_four_processes_push_what_they_share_at_once(
    logged_in: str, store: Store, save: Save, other: Store, tmp_path: Path
) -> None:
    entries = [save(files={**FILES, "n": str(number).encode()}) for number in range(4)]
    url = f"oci://{logged_in}/team/credit"
    own = {"PYTHONPATH": str(SOURCE), "MINIBENTO_HOME": str(tmp_path / "home")}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PUSH, "models", "push", str(entry.tag), f"{url}:production"],
            env={**os.environ, **own},
            stdout=subprocess.DEVNULL,
        )
        for entry in entries
    ]
    assert [process.wait(60) for process in running] == [0, 0, 0, 0]
    for entry in entries:
        other.verify(fetch(other, f"{url}:{entry.tag.version}").tag)


def test_a_version_without_files_is_one_too(logged_in: str, store: Store, other: Store) -> None:
    with store.draft("credit") as draft:
        entry = draft.publish({"only": "words"})
    assert fetch(other, send(entry, f"oci://{logged_in}/credit").url).tag == entry.tag
