"""`python3 FILE.bundle install`, on this machine and with the file's own minibento."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx2
import pytest

from minibento import testing
from minibento.bundles.layout import ENVIRONMENT
from minibento.errors import NotFound
from minibento.packager import install, wheels
from minibento.store.home import local_store
from minibento.store.locks import hold
from minibento.store.store import Store
from tests.bundles.making import installable
from tests.packager.projects import SERVICE, project, save_doubler


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "builder"))
    save_doubler()


def exported(folder: Path, **other: Any) -> Path:
    """A bundle with minibento inside and no library."""
    return installable(folder, "doubler", code=SERVICE, **other)


def run(file: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """As on a machine that has Python and nothing else."""
    return subprocess.run(
        [sys.executable, "-S", str(file), *arguments],
        env={"PATH": os.environ["PATH"]},
        cwd=file.parent,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def refused(file: Path, home: Path, *arguments: str) -> str:
    """One line of what is wrong; the alias does not exist."""
    done = run(file, "install", "--home", str(home), *arguments)
    assert done.returncode == 1, done.stdout
    with pytest.raises(NotFound):
        Store(home, "bundles").get("doubling:production")
    assert not (home / "bin").exists()
    return done.stderr


def test_a_file_tells_what_is_in_it_with_the_standard_library_alone(tmp_path: Path) -> None:
    done = run(exported(tmp_path), "info")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("bundle    doubling:")
    assert "model     doubler:" in done.stdout


def test_without_a_verb_it_says_how_it_is_used(tmp_path: Path) -> None:
    done = run(exported(tmp_path))
    assert done.returncode == 2
    assert "install" in done.stderr


def test_a_file_of_another_digest_is_refused_before_it_is_imported(tmp_path: Path) -> None:
    file = exported(tmp_path)
    said = refused(file, tmp_path / "site", "--sha256", "0" * 64)
    assert hashlib.sha256(file.read_bytes()).hexdigest() in said
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize(
    ("other", "said"),
    [({"python": "3.99"}, "made for Python 3.99"), ({"platform": "linux/s390x"}, "linux/s390x")],
)
def test_another_python_or_platform_is_refused_before_it_is_imported(
    tmp_path: Path, other: dict[str, str], said: str
) -> None:
    assert said in refused(exported(tmp_path, **other), tmp_path / "site")
    assert not (tmp_path / "site").exists()


def test_a_damaged_minibento_is_not_run(tmp_path: Path) -> None:
    file = exported(tmp_path)
    data = bytearray(file.read_bytes())
    name = next(name.encode() for name in [wheels.own_wheel().name])
    data[data.index(name) + len(name) + 2000] ^= 1
    file.write_bytes(data)
    done = run(file, "install", "--home", str(tmp_path / "site"))
    assert done.returncode == 1
    assert not (tmp_path / "site").exists()


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_file_that_is_cut_off_does_what_the_page_says(tmp_path: Path, share: float) -> None:
    file = exported(tmp_path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    done = run(file, "install", "--home", str(tmp_path / "site"))
    assert "installed" not in done.stdout
    assert "source code" in done.stderr if share else (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "site").exists()


def test_a_home_that_is_a_file_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    done = run(exported(tmp_path), "install", "--home", str(tmp_path / "site"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: --home {tmp_path}/site is a file, not a folder")


def test_libraries_that_cannot_be_installed_leave_no_environment(tmp_path: Path) -> None:
    hashed = " --hash=sha256:" + "a" * 64
    lock = {ENVIRONMENT: f"no-such-library==1.0{hashed}\n"}
    said = refused(exported(tmp_path, vendored=True, files=lock), tmp_path / "site")
    assert "the bundle's environment cannot be installed" in said
    assert "no-such-library" in said
    assert [one for one in (tmp_path / "site" / "envs").iterdir() if one.is_dir()] == []


@pytest.mark.parametrize(
    "line",
    [
        "no-such-library==1.0",
        "--index-url http://127.0.0.1:9/",
        "./wheels/x.whl",
        "no-such-library==1.0 --hash=sha256:abc",
        "-e .",
    ],
)
def test_a_lock_with_anything_but_exact_hashed_versions_is_refused_whole(
    tmp_path: Path, line: str
) -> None:
    file = exported(tmp_path, vendored=True, files={ENVIRONMENT: f"{line}\n"})
    assert "is no exact version" in refused(file, tmp_path / "site")
    assert not (tmp_path / "site" / "envs").exists()


def test_a_bundle_that_names_anothers_environment_gets_none(tmp_path: Path) -> None:
    said = refused(exported(tmp_path, environment="a" * 16), tmp_path / "site")
    assert f"its environment is {'a' * 16}, but environment.lock makes" in said
    assert not (tmp_path / "site" / "envs").exists()


HOMES = [
    "plain",
    "with space",
    'a "b" $HOME ${HOME} 50% %h %% }',
    "it's `id` $(id) ; & | < > * ? [x] {a,b} ~ #",
    "back\\slash \\n \\x41 \\\\",
    "\u00e9\u4fe1",
    "-dash",
]


@pytest.mark.parametrize("name", HOMES)
def test_command_and_unit_read_back_give_exactly_the_home(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    python = home / "envs" / "x" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$MINIBENTO_HOME" "$0" "$@"\n')
    python.chmod(0o755)
    command = install._write_command(home, python)
    unit = install._write_unit(home, "doubling", command).read_text()
    for shell in ("sh", "bash"):
        said = subprocess.run(
            [shell, str(command), "serve", "$HOME a"],
            env={"PATH": os.environ["PATH"], "MINIBENTO_HOME": "/of/somebody/else"},
            capture_output=True,
            text=True,
            check=True,
        )
        expected = [str(home), str(python), "-P", "-m", "minibento.cli", "serve", "$HOME a"]
        assert said.stdout.splitlines() == expected
    lines = dict(line.partition("=")[::2] for line in unit.splitlines() if "=" in line)
    assert unit.count("Environment=") == 2
    assert len(unit.splitlines()) == len(UNIT)
    for line, words in (
        ("ExecStart", ["serve", "doubling:production"]),
        ("ExecReload", ["reload", "doubling"]),
    ):
        read = [one.replace("$$", "$") for one in _read_back(lines[line])]
        assert read == ["/bin/sh", str(command), *words]
    (variable,) = [one for one in unit.splitlines() if "=MINIBENTO_HOME" in one.replace('"', "")]
    assert _read_back(variable.partition("=")[2]) == [f"MINIBENTO_HOME={home}"]


UNIT = [
    *("[Unit]", "Description", "After", "", "[Service]", "Type", "NotifyAccess", "ExecStart"),
    *("ExecReload", "Environment", "Environment", "RuntimeDirectory", "RuntimeDirectoryMode"),
    *("DynamicUser", "KillMode", "TimeoutStopSec", "Restart", "NoNewPrivileges"),
    *("ProtectSystem", "ProtectHome", "PrivateTmp", "", "[Install]", "WantedBy"),
]


def _read_back(value: str) -> list[str]:
    """As systemd reads one (systemd.syntax(7)): words, quotes, escapes, then specifiers."""
    words = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value)
    assert value == " ".join(f'"{quoted}"' if quoted else plain for quoted, plain in words)
    return [
        re.sub(r"\\(.)", r"\1", quoted).replace("%%", "%") if quoted else plain
        for quoted, plain in words
    ]


@pytest.mark.system
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd")
@pytest.mark.parametrize("name", HOMES)
def test_systemd_has_nothing_to_say_of_the_unit(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    unit = install._write_unit(home, "doubling", install._write_command(home, Path("/bin/true")))

    def said() -> str:
        command = ["systemd-analyze", "verify", str(unit)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return "".join(one for one in done.stderr.splitlines() if "doubling" in one)

    assert said() == ""
    # It does say so where a quote is missing.
    unit.write_text(unit.read_text().replace('" serve', " serve"))
    assert "doubling.service" in said()


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b", "a\x1bb", "a\udcffb"])
def test_a_home_that_no_unit_can_name_is_refused_before_anything_is_done(
    tmp_path: Path, name: str
) -> None:
    assert "choose another --home" in refused(exported(tmp_path), tmp_path / name)
    assert not (tmp_path / name).exists()


def test_installs_at_once_leave_one_command_and_a_whole_alias(tmp_path: Path) -> None:
    home, failed = tmp_path / "site", []
    python = home / "python"

    def write(number: int) -> None:
        try:
            with hold(home / ".install.lock"):
                install._write_command(home, python)
                install._write_unit(home, "doubling", home / "bin" / "minibento")
        except Exception as error:  # noqa: BLE001 -- shown below
            failed.append(error)

    home.mkdir()
    threads = [threading.Thread(target=write, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert sorted(one.name for one in (home / "bin").iterdir()) == ["minibento"]


@pytest.mark.slow
def test_a_vendored_bundle_installs_serves_updates_and_goes_back_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "site"
    folder = project(tmp_path / "project")
    files = []
    for factor in (2, 3):
        save_doubler(factor)
        done = subprocess.run(
            [sys.executable, "-m", "minibento.cli", "build", "--vendor", str(folder), "-o", "json"],
            capture_output=True,
            text=True,
            check=True,
        )
        tag = json.loads(done.stdout)["tag"]
        files.append(local_store("bundles").export(tag, tmp_path / f"{factor}.bundle"))
    # Whoever asks an index now asks nobody.
    offline = {"PIP_INDEX_URL": "http://127.0.0.1:9", "PIP_CONFIG_FILE": os.devnull}

    def installed(file: Path) -> None:
        command = [sys.executable, "-S", str(file), "install", "--home", str(home)]
        environment = {"PATH": os.environ["PATH"], **offline}
        subprocess.run(command, env=environment, check=True, timeout=600)

    def bin_(*arguments: str) -> None:
        subprocess.run([home / "bin" / "minibento", *arguments], check=True, timeout=60)

    installed(files[0])
    (environment,) = [one for one in (home / "envs").iterdir() if one.is_dir()]
    monkeypatch.setenv("MINIBENTO_HOME", str(home))
    monkeypatch.setenv("MINIBENTO_RUN_DIR", str(tmp_path.parent.parent / f"run{os.getpid()}"))
    with testing.serve("doubling:production") as server:
        assert f"{environment}/bin/python" in Path(f"/proc/{server.pid}/cmdline").read_text()

        def double() -> object:
            return httpx2.post(f"{server.url}/double", json=1).json()

        assert double() == 2
        installed(files[1])
        assert double() == 2
        bin_("reload", "doubling")
        assert double() == 3
        bin_("bundles", "alias", "doubling", "production", "--rollback")
        bin_("reload", "doubling")
        assert double() == 2
    assert [one for one in (home / "envs").iterdir() if one.is_dir()] == [environment]
