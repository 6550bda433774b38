"""Bundles on disks that are full or read-only (cases S7, S8)."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minibento.store.home import local_store
from tests.bundles.making import make_bundle, runnable
from tests.packager.projects import SERVICE, project, save_doubler, write_lock

ROOT = Path(__file__).parents[2]
needs_root = pytest.mark.skipif(
    os.getuid() != 0 or shutil.which("unshare") is None, reason="mounting needs root"
)
CLI = f"{sys.executable} -m minibento.cli"


def mounted(script: str, *broken: Path) -> list[str]:
    """Run a script that may mount; what it printed.

    Args:
        broken: Folders whose modules are found first.
    """
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"set -e\nexec 2>&1\n{script}"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(map(str, [*broken, ROOT])),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a model and a bundle, a project, and a file to be installed."""
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()
    folder = project(tmp_path / "project")
    write_lock(folder, "doubler")
    runnable(tmp_path, "doubler", code=SERVICE).rename(tmp_path / "x.bundle")
    store = local_store("bundles")
    store.delete("doubling")
    store.alias(make_bundle(SERVICE, "doubler", name="kept").tag, "production")
    return tmp_path


def check_full(scene: Path, *broken: Path) -> None:
    """S7: build, import and install are refused in a line each and give their space back."""
    lines = mounted(
        f"""
        mkdir {scene}/small
        mount -t tmpfs -o size=1m tmpfs {scene}/small
        cp -r {scene}/home/models {scene}/small
        export MINIBENTO_HOME={scene}/small
        used() {{
            du -s -B1 --exclude=bundles {scene}/small | cut -f1
            find {scene}/small/bundles -type f | grep -v lock$ | wc -l
        }}
        {CLI} build {scene}/project && exit 9
        used
        {CLI} bundles import {scene}/x.bundle && exit 9
        used
        {sys.executable} -S {scene}/x.bundle install --home {scene}/small && exit 9
        used
        mount -o remount,size=100m {scene}/small
        {CLI} build {scene}/project
        {sys.executable} -S {scene}/x.bundle install --home {scene}/small
        {CLI} bundles verify doubling:production
        """,
        *broken,
    )
    errors = [line for line in lines if line.startswith("Error: ")]
    assert len(errors) == 3
    for line in errors:
        assert f"{scene}/small" in line
        assert "No space left on device: free some space and try again" in line
    numbers = [line for line in lines if line.isdigit()]
    assert numbers[0::2] == [numbers[0]] * 3
    assert numbers[1::2] == ["0", "0", "0"]
    assert lines[-1].endswith("all as saved")


@pytest.mark.system
@needs_root
def test_on_a_full_disk_nothing_is_kept_and_the_space_comes_back(scene: Path) -> None:
    check_full(scene)


KEEPING = """
from minibento.store import staging
staging.remove_tree = lambda _: None
"""


@pytest.mark.system
@needs_root
def test_the_detector_sees_a_build_that_keeps_what_it_could_not_store(
    scene: Path, tmp_path: Path
) -> None:
    """The negative control of S7: Python imports `sitecustomize` whatever it is started for."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "sitecustomize.py").write_text(KEEPING)
    with pytest.raises(AssertionError, match=r"'4' != '0'"):
        check_full(scene, tmp_path / "broken")


def check_read_only(scene: Path, mount: str) -> None:
    """S8: what reads works, what would write is refused in a line with the mend.

    Args:
        mount: How the folder is mounted anew.
    """
    lines = mounted(
        f"""
        mount --bind {scene} {scene}
        mount -o remount,{mount},bind {scene}
        for verb in "list" "get kept" "verify kept:production" "tree kept" "diff kept kept"
        do {CLI} bundles $verb > /dev/null
        done
        {CLI} containerize kept --write /tmp/image$$
        rm -r /tmp/image$$
        {sys.executable} - <<'END'
import sys
from pathlib import Path
from minibento.packager.trial import start_once
start_once(Path(sys.executable), "kept:production", {{}})
print("served")
END
        {CLI} bundles export kept:production {scene}/home && exit 9
        {CLI} bundles import {scene}/x.bundle && exit 9
        {CLI} bundles alias kept other && exit 9
        {CLI} bundles delete --yes --force kept:production && exit 9
        {CLI} build {scene}/project && exit 9
        {CLI} lock {scene}/project && exit 9
        {sys.executable} -S {scene}/x.bundle install --home {scene}/home && exit 9
        true
        """
    )
    assert "served" in lines
    errors = [line for line in lines if line.startswith("Error: ")]
    assert len(errors) == 7, lines
    for line in errors:
        assert str(scene) in line
        assert "Read-only file system: make it writable" in line


@pytest.mark.system
@needs_root
def test_a_read_only_store_serves_its_bundles_and_takes_no_other(scene: Path) -> None:
    check_read_only(scene, "ro")


@pytest.mark.system
@needs_root
def test_the_detector_sees_a_bundle_that_is_written_where_it_may_not(scene: Path) -> None:
    """The negative control of S8: nothing hinders the writing."""
    with pytest.raises(AssertionError, match="9 == 0"):
        check_read_only(scene, "rw")
