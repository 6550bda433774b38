import io
import os
import re
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError, StoreError
from minibento.packager import lock
from minibento.packager.lock import check_lock, inputs, make_lock, read_lock
from minibento.packager.wheels import Wheel

HERE = (this_python(), this_platform())
HASH = "--hash=sha256:" + "a" * 64


def test_inputs_are_sorted_and_hold_the_libraries_of_the_models() -> None:
    assert inputs(["httpx2>=2", "./library"], {"m:1": {"numpy": "2.4.6"}}, []) == [
        *("httpx2>=2", "numpy==2.4.6", "pip")
    ]


def test_models_whose_libraries_contradict_are_named() -> None:
    recorded = {"a:1": {"numpy": "2.4.6"}, "b:2": {"numpy": "1.26.4"}}
    with pytest.raises(BuildError, match=r"a:1 was saved with numpy 2\.4\.6, b:2 with 1\.26\.4"):
        inputs([], recorded, [])


@pytest.mark.parametrize(
    "name", ["x\n--index-url http://user:secret@host/", "-e /etc", "x @ file:y", "", "${HOME}"]
)
def test_libraries_of_a_foreign_model_are_no_options_of_the_resolver(name: str) -> None:
    with pytest.raises(BuildError, match="which is no requirement") as refused:
        inputs([], {"m:1": {name: "1.0"}}, [])
    assert "secret" not in str(refused.value)


def test_a_wheel_inside_that_needs_an_address_is_refused() -> None:
    info = "Name: x\nRequires-Dist: y @ https://user:secret@host/y.whl\n\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x-1.dist-info/METADATA", info)
    with pytest.raises(BuildError, match="'y @ the index' is needed") as refused:
        inputs([], {}, [Wheel("x-1-py3-none-any.whl", buffer.getvalue())])
    assert "secret" not in str(refused.value)


def test_a_resolver_that_writes_addresses_leaves_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "uv.toml").write_text("[pip]\nemit-index-url = true\n")
    monkeypatch.setenv("UV_CONFIG_FILE", str(tmp_path / "uv.toml"))
    _hold_no_address(make_lock(tmp_path, ["click>=8.2"], *HERE))
    secret = b"--index-url https://user:secret@host/\n"
    monkeypatch.setattr(lock, "_by_uv", lambda *_: secret)
    (tmp_path / "requirements.lock").unlink()
    with pytest.raises(BuildError, match="'--index-url the index' is no exact") as refused:
        make_lock(tmp_path, ["click>=8.2"], *HERE)
    assert "secret" not in str(refused.value)
    assert [one.name for one in tmp_path.iterdir()] == ["uv.toml"]


def test_a_lock_that_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(path)
        with pytest.raises(BuildError, match="is no regular file: remove it"):
            check_lock(path, [], *HERE)
        path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(StoreError, match=r"requirements\.lock: No such file"):
        check_lock(path, [], *HERE)


def test_a_users_lock_names_no_wheel_of_a_bundle(tmp_path: Path) -> None:
    path = written(tmp_path, ["click>=8"])
    path.write_text(path.read_text() + f"./wheels/x.whl {HASH}\n")
    with pytest.raises(BuildError, match=r"x\.whl, which only a bundle has"):
        check_lock(path, ["click>=8"], *HERE)


@pytest.mark.timeout(180)
def test_pip_locks_exact_versions_with_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_uv", lambda: None)
    path = make_lock(tmp_path, ["click>=8.2"], *HERE)
    found = check_lock(path, ["click>=8.2"], *HERE)
    assert set(found.pins) == {"click"}
    _hold_no_address(path)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("resolver", ["uv", "pip"])
def test_the_versions_that_are_installed_are_preferred_where_they_may_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolver: str
) -> None:
    if resolver == "pip":
        monkeypatch.setattr(lock, "_uv", lambda: None)
    wanted = ["click>=8.1"]
    monkeypatch.setattr(lock, "_installed", lambda: "click==8.1.7\nnobody-has-it==1.0\n")
    found = check_lock(make_lock(tmp_path, wanted, *HERE), wanted, *HERE)
    assert found.pins == {"click": "8.1.7"}
    monkeypatch.setattr(lock, "_installed", lambda: "click==8.0.4\n")
    found = check_lock(make_lock(tmp_path, wanted, *HERE), wanted, *HERE)
    assert found.pins["click"] not in {"8.0.4", "8.1.7"}


def test_what_is_installed_is_told_in_pins_that_an_index_knows() -> None:
    told = dict(line.split("==") for line in lock._installed().splitlines())
    assert told["click"] == version("click")
    assert not any("+" in one for one in told.values())


@pytest.mark.slow
def test_uv_locks_exact_versions_with_hashes_for_another_platform_too(tmp_path: Path) -> None:
    path = make_lock(tmp_path, ["click>=8.2", "numpy"], "3.12", "linux/arm64")
    found = check_lock(path, ["click>=8.2", "numpy"], "3.12", "linux/arm64")
    assert set(found.pins) == {"click", "numpy"}
    _hold_no_address(path)


def _hold_no_address(path: Path) -> None:
    text = path.read_text()
    assert re.search(r"https?://|/home|/tmp|index-url", text) is None
    assert "--hash=sha256:" in text


def test_requirements_without_a_solution_are_told_without_the_address_of_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_uv", lambda: None)
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(BuildError, match="the requirements cannot be locked") as refused:
        make_lock(tmp_path, ["no-such-library-of-anybody"], *HERE)
    assert "secret" not in str(refused.value)
    assert not (tmp_path / "requirements.lock").exists()


def test_pip_alone_cannot_lock_for_another_platform(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "_uv", lambda: None)
    with pytest.raises(BuildError, match="pip install uv"):
        make_lock(tmp_path, ["click"], this_python(), "linux/riscv64")


def written(folder: Path, wanted: list[str]) -> Path:
    path = folder / "requirements.lock"
    path.write_bytes(lock._header(wanted, *HERE) + f"click==8.2.1 {HASH}\n".encode())
    return path


def test_a_stale_lock_is_refused_with_what_has_changed(tmp_path: Path) -> None:
    path = written(tmp_path, ["click>=8", "numpy"])
    with pytest.raises(BuildError, match=r"stale \(- numpy; \+ scipy\): `minibento lock` renews"):
        check_lock(path, ["click>=8", "scipy"], *HERE)


def test_a_lock_with_another_version_than_a_model_was_saved_with_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ["click==8.2.1"])
    path.write_text(path.read_text().replace("\nclick==8.2.1", "\nclick==8.1.7"))
    with pytest.raises(BuildError, match=r"has click 8\.1\.7 where click==8\.2\.1 is needed"):
        check_lock(path, ["click==8.2.1"], *HERE)


def test_a_lock_for_another_python_is_refused_with_the_command_that_makes_one(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, ["click>=8"])
    with pytest.raises(BuildError, match=r"not for Python 3\.99 .* `minibento lock --python 3\.99"):
        check_lock(path, ["click>=8"], "3.99", this_platform())


@pytest.mark.parametrize(
    "line",
    [
        "click==8.2.1",
        "click>=8 " + HASH,
        "-r other.txt",
        "--index-url https://x",
        "click @ https://x/click.whl " + HASH,
        "click==8.2.1 --hash=md5:abc",
        f"click==8.2.1 {HASH} ; rm -rf",
        "./wheels/x.whl",
        f"./wheels/../x.whl {HASH}",
        f"./wheels/x.whl {HASH} --pre",
        "-e .",
        "--pre",
    ],
)
def test_a_line_that_is_no_exact_version_with_hashes_is_refused(line: str) -> None:
    with pytest.raises(BuildError, match=r"requirements\.lock:2: .* is no exact version"):
        read_lock(f"# x\n{line}\n".encode(), "requirements.lock")


def test_lines_that_go_on_and_wheels_inside_are_understood() -> None:
    lines = ["Our_Lib[x]==1.0 ; python_version > '3' \\", f"    {HASH} \\", f"    {HASH}"]
    data = "\n".join([*lines, f"./wheels/x.whl {HASH}"])
    assert read_lock(data.encode(), "lock").pins == {"our-lib": "1.0"}
