"""Bundles served by real processes: their own code and models, updated and taken back."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from minibento.store.home import local_store
from tests.bundles.making import files, make_bundle
from tests.packager.projects import SERVICE, save_doubler
from tests.processes.serving import Load, Running, running

ROOT = Path(__file__).parents[2]
# Code and model of a bundle say the same number if they are of one version.
TELLING = SERVICE.replace(
    "return await self.model.double(number)", "return await self.model.double(number) + OFFSET"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    return tmp_path


def bundle_of(factor: int) -> str:
    """A bundle that answers 1 with `factor` in the units and in the thousands."""
    save_doubler(factor)
    code = f"OFFSET = {1000 * factor}\n" + TELLING
    return str(make_bundle(code, "doubler").tag)


def command(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "minibento.cli", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MINIBENTO_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def served(folder: Path) -> Iterator[Running]:
    first = bundle_of(2)
    local_store("bundles").alias(first, "production")
    with running(folder, "doubling:production") as server:
        yield server


def test_a_bundle_is_served_with_its_own_model_whatever_the_store_holds(folder: Path) -> None:
    tag = bundle_of(2)
    save_doubler(7)
    with running(folder, tag) as server:
        assert server.post("/double", 1) == 2002
        status = server.status()
        assert status["name"] == "doubling"
        assert status["bundle"] == tag
        os.kill(status["processes"][2]["pid"], signal.SIGKILL)  # its replacement does the same
        assert server.post("/double", 1) == 2002


def test_serving_leaves_a_bundle_as_it_was(folder: Path) -> None:
    entry = local_store("bundles").get(bundle_of(2))
    before = files(entry)
    with running(folder, str(entry.tag)) as server:
        assert server.post("/double", 1) == 2002
    assert files(entry) == before
    local_store("bundles").verify(entry.tag)


def test_code_and_model_are_updated_together_and_taken_back_under_load(
    folder: Path, served: Running
) -> None:
    def ask(http: httpx2.Client) -> object:
        response = http.post("/double", json=1)
        response.raise_for_status()
        return response.json()

    second = bundle_of(3)
    with Load(ask, served.server.url).running() as load:
        load.until_answered(50)
        local_store("bundles").alias(second, "production")
        served.reload()
        assert served.status()["bundle"] == second
        load.until_answered(50)
        local_store("bundles").rollback("doubling", "production")
        served.reload()
        load.until_answered(50)
    assert load.failures == []
    assert set(load.answers) == {2002.0, 3003.0}


def test_a_bundle_that_does_not_start_is_refused_and_the_old_one_goes_on(
    folder: Path, served: Running
) -> None:
    broken = make_bundle("raise ValueError('no good')\n", name="doubling")
    local_store("bundles").alias(broken.tag, "production")
    said = str(served.reload())
    assert "no good" in said
    assert served.post("/double", 1) == 2002


def test_a_bundle_of_another_minibento_or_python_is_refused_by_reload(
    folder: Path, served: Running
) -> None:
    other = make_bundle(TELLING, "doubler", python="3.99")
    local_store("bundles").alias(other.tag, "production")
    assert "made for Python 3.99" in str(served.reload())
    assert served.post("/double", 1) == 2002


def test_an_exported_file_is_imported_and_served(folder: Path) -> None:
    tag = bundle_of(2)
    store = local_store("bundles")
    store.export(tag, folder / "x.bundle")
    store.delete(tag)
    with running(folder, "x.bundle") as server:
        assert server.post("/double", 1) == 2002
    assert str(store.get("doubling").tag) == tag


def test_a_bundle_for_another_python_is_refused_before_anything_loads(folder: Path) -> None:
    entry = make_bundle("raise SystemExit('was imported')\n", python="3.99")
    done = command(folder, "serve", str(entry.tag))
    assert done.returncode == 1
    assert "made for Python 3.99" in done.stderr
    assert "was imported" not in done.stderr


def test_libraries_that_differ_are_listed_and_a_major_difference_is_refused(folder: Path) -> None:
    save_doubler()
    hashed = " --hash=sha256:" + "a" * 64
    near = {"environment.lock": f"click==8.0.0{hashed}\n"}
    far = {"environment.lock": f"click==7.0.0{hashed}\nno-such-library==1.0{hashed}\n"}
    entry = make_bundle(SERVICE, "doubler", files=near)
    with running(folder, str(entry.tag)) as server:
        assert "is locked to other libraries: click 8.0.0 (here " in server.server.output
    entry = make_bundle(SERVICE, "doubler", files=far)
    done = command(folder, "serve", str(entry.tag))
    assert done.returncode == 1
    assert "no-such-library 1.0 (missing here)" in done.stderr
    assert "install" in done.stderr


def test_watching_a_bundle_is_refused(folder: Path) -> None:
    done = command(folder, "serve", bundle_of(2), "--reload")
    assert done.returncode == 2
    assert "a bundle does not change" in done.stderr


def test_a_tag_that_fits_a_module_too_shows_both_spellings(folder: Path) -> None:
    bundle_of(2)
    (folder / "doubling.py").write_text("production = 1\n")
    local_store("bundles").alias("doubling", "production")
    done = command(folder, "serve", "doubling:production")
    assert done.returncode == 1
    assert "fits a bundle and" in done.stderr
