"""Bundles on a Debian machine that has only Python, and in the image that is built from one.

The root file system is made by debootstrap, or taken from $BUNDLE_TEST_ROOTFS.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from minibento.bundles.bundle import Bundle
from minibento.store.home import local_store
from tests.packager.projects import project, save_doubler

pytestmark = pytest.mark.slow

NEEDED = "ca-certificates,python3,python3-venv,python3-pip"
# What a machine without pip and ensurepip lacks.
PURGED = "python3-venv python3.11-venv python3-pip python3-pip-whl python3-setuptools-whl"
ASK = """
import sys, time, urllib.request
def ask():
    url, headers = "http://127.0.0.1:3000/double", {"content-type": "application/json"}
    request = urllib.request.Request(url, b"1", headers)
    return urllib.request.urlopen(request, timeout=5).read().decode()
for _ in range(300):
    try:
        print("answer", ask())
        break
    except OSError:
        time.sleep(0.1)
"""
LOOPBACK = """
import fcntl, socket, struct
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    named = struct.pack("16sh", b"lo", 0)
    flags = struct.unpack("16sh", fcntl.ioctl(one, 0x8913, named)[:18])[1]
    fcntl.ioctl(one, 0x8914, struct.pack("16sh", b"lo", flags | 1))
"""
# Serves by the unit's own command line.
SCRIPT = """
set -e
mount -t proc proc /proc
trap 'umount /proc' EXIT
cd /root
python3 loopback.py
python3 1.bundle install --home /srv/minibento
export MINIBENTO_HOME=/srv/minibento MINIBENTO_RUN_DIR=/tmp/run
eval "exec $(sed -n s/^ExecStart=//p /srv/minibento/systemd/doubling.service)" > /tmp/log 2>&1 &
python3 ask.py
python3 2.bundle install --home /srv/minibento
/srv/minibento/bin/minibento reload doubling
python3 ask.py
/srv/minibento/bin/minibento bundles alias doubling production --rollback
/srv/minibento/bin/minibento reload doubling
python3 ask.py
kill %1
wait %1
echo stopped
"""


@pytest.fixture(scope="module")
def rootfs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minimal Debian with Python 3.11; not to be written to."""
    cached = os.environ.get("BUNDLE_TEST_ROOTFS")
    if cached:
        return Path(cached)
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        pytest.skip("needs root and debootstrap: apt-get install debootstrap")
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the Debian that is tested with has Python 3.11")
    path = tmp_path_factory.mktemp("debian") / "rootfs"
    command = ["debootstrap", "--variant=minbase", f"--include={NEEDED}", "bookworm", str(path)]
    subprocess.run(command, check=True, timeout=900)
    return path


@pytest.fixture
def bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Two versions of a service with all wheels inside: one doubles, the other trebles."""
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    folder = project(tmp_path / "project")
    tags = []
    for factor in (2, 3):
        save_doubler(factor)
        done = subprocess.run(
            [sys.executable, "-m", "minibento.cli", "build", "--vendor", str(folder), "-o", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        tags.append(json.loads(done.stdout)["tag"])
    yield tags
    shutil.rmtree(tmp_path / "home")


@pytest.mark.timeout(1500)
def test_a_machine_without_pip_or_network_installs_serves_updates_and_goes_back(
    rootfs: Path, bundles: list[str], tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    subprocess.run(["cp", "-a", str(rootfs), str(plain)], check=True)
    purge = ["chroot", str(plain), "dpkg", "--purge", "--force-all", *PURGED.split()]
    subprocess.run(purge, check=True, capture_output=True)
    for number, tag in enumerate(bundles, 1):
        local_store("bundles").export(tag, plain / "root" / f"{number}.bundle")
    for name, text in {"ask.py": ASK, "loopback.py": LOOPBACK, "go.sh": SCRIPT}.items():
        (plain / "root" / name).write_text(text)
    done = subprocess.run(
        ["unshare", "-n", "-m", "chroot", str(plain), "bash", "/root/go.sh"],
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    shutil.rmtree(plain)
    assert done.returncode == 0, done.stdout + done.stderr
    answers = [line for line in done.stdout.splitlines() if line.startswith(("answer", "stopped"))]
    assert answers == ["answer 2.0", "answer 3.0", "answer 2.0", "stopped"]


@pytest.mark.timeout(1500)
def test_the_image_is_built_unchanged_and_serves_as_nobody(
    rootfs: Path, bundles: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("buildah") is None:
        pytest.skip("needs buildah: apt-get install buildah crun")
    monkeypatch.setenv("STORAGE_DRIVER", "vfs")
    monkeypatch.setenv("BUILDAH_ISOLATION", "chroot")
    _make_base(rootfs)
    tag = bundles[0]
    command = [sys.executable, "-m", "minibento.cli", "containerize", tag, "--engine", "buildah"]
    subprocess.run([*command, "--", "--network", "host", "--pull-never"], check=True, timeout=900)
    environment = Bundle(local_store("bundles").get(tag).path).facts.environment
    container = _buildah("from", "--pull-never", f"localhost/{tag}")
    python = f"/minibento/envs/{environment}/bin/python"
    serve = ["buildah", "run", "--isolation", "chroot", container, "--", python, "-P", "-m"]
    with subprocess.Popen([*serve, "minibento.cli", "serve", tag]) as running:
        try:
            assert _double() == "2.0"
            pid = _pid_of(f"minibento.cli\0serve\0{tag}", python)
            assert Path(f"/proc/{pid}").stat().st_uid == 65532
        finally:
            pid = _pid_of(f"minibento.cli\0serve\0{tag}", python)
            os.kill(pid, 15)
            running.wait(60)
    _buildah("rm", container)
    for image in (f"localhost/{tag}", "docker.io/library/python:3.11-slim"):
        _buildah("rmi", "-f", image)


def _make_base(rootfs: Path) -> None:
    """An image of the name that the file begins with, as nothing can be pulled here."""
    container = _buildah("from", "scratch")
    _buildah("add", container, str(rootfs), "/")
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    _buildah("config", "--env", path, container)
    _buildah("commit", "-q", container, "docker.io/library/python:3.11-slim")
    _buildah("rm", container)


def _buildah(*arguments: str) -> str:
    done = subprocess.run(["buildah", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def _double() -> str:
    end = time.monotonic() + 60
    while True:
        try:
            answer = httpx2.post("http://127.0.0.1:3000/double", json=1, timeout=5)
            return answer.raise_for_status().text
        except httpx2.TransportError:
            assert time.monotonic() < end, "nobody answers"


def _pid_of(words: str, python: str) -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text()
        except OSError:
            continue
        if line.startswith(python) and words in line:
            return int(path.parent.name)
    raise AssertionError(f"nobody runs {words!r}")
