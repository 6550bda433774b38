"""Builds of services that do what no import should: refused or harmless, and nobody is left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import minibento
from minibento.bundles.bundle import Bundle
from minibento.bundles.machine import this_platform, this_python
from minibento.errors import BuildError
from minibento.packager import build as building
from minibento.packager import describe
from minibento.packager.build import Aim, build
from minibento.packager.build_file import find_build_file
from minibento.packager.trial import start_once
from minibento.processes.place import Place
from minibento.store.entry import Entry
from minibento.store.home import local_store
from tests.packager.marking import MARK, marked
from tests.packager.projects import SERVICE, project, save_doubler, write_lock
from tests.processes.launching import until

HERE = Aim(False, this_python(), this_platform())


@pytest.fixture(autouse=True)
def _nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever descends from the test has its mark, whatever else it has done."""
    monkeypatch.setenv(*MARK)
    yield
    assert marked() == []


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()
    folder = project(tmp_path / "project").resolve()
    write_lock(folder, "doubler")
    return folder


def built(folder: Path, before: str = "", inside: str = "") -> Entry:
    """Build with these lines before the service's own, and these in its `__init__`."""
    start = f"\n    def __init__(self) -> None:\n        {inside}\n" if inside else ""
    project(folder, service=before + SERVICE + start)
    return build(find_build_file(folder), Place(folder, "service", None), HERE, print).entry


def nothing_is_kept() -> None:
    store = local_store("bundles")
    assert store.list() == []
    assert list((store.folder / ".staging").iterdir()) == []


def test_the_detector_sees_who_is_left() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        until(lambda: len(marked()) == 1, 10, lambda: "not seen")
        child.communicate(b"\n")


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
    os._exit(0)
"""
HARMLESS = {
    "prints": "import sys\nprint('x' * 100_000)\nprint('{}', file=sys.stderr)\n",
    "makes a daemon": DAEMON,
    "starts a program": "import subprocess\nsubprocess.Popen(['sleep', '1000'])\n",
    "forks and goes on": "import os\nos.fork()\n",
    "starts a thread": (
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(1000,), daemon=__name__ != 'service' or "
        "'MINIBENTO_BUNDLE' in __import__('os').environ).start()\n"
    ),
    "changes umask, folder and signals": (
        "import os, signal\nos.umask(0)\nos.chdir('/')\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n"
        "    signal.signal(number, signal.SIG_IGN)\n"
    ),
    "compiles what is beside it": (
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import service_helper'], check=False)\n"
    ),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_a_service_does_to_its_own_process_is_harmless(folder: Path, what: str) -> None:
    (folder / "service_helper.py").touch()
    here = Path.cwd()
    entry = built(folder, HARMLESS[what])
    umask = os.umask(0o22)
    os.umask(umask)
    assert (umask, Path.cwd()) == (0o22, here)
    assert {one.path for one in entry.files if one.path.startswith("code/")} == {
        *("code/service.py", "code/service_helper.py")
    }
    assert (entry.path / "code" / "service.py").stat().st_mode == 0o100444
    local_store("bundles").verify(entry.tag)


REFUSED = {
    "ends its process": ("import os\nos._exit(3)\n", "exit code 3"),
    "ends it as if all were well": ("import os\nos._exit(0)\n", "exit code 0"),
    "leaves": ("import sys\nsys.exit(0)\n", "SystemExit"),
    "is interrupted": ("raise KeyboardInterrupt\n", "KeyboardInterrupt"),
    "crashes": ("import ctypes\nctypes.string_at(0)\n", "exit code 139"),
    "kills all around it": ("import os, signal\nos.killpg(0, signal.SIGTERM)\n", "exit code 1"),
    "closes all": ("import os\nos.closerange(3, 1000)\n", "ended its process"),
    "hangs": ("import time\ntime.sleep(1000)\n", "was not imported within"),
    "hangs deaf": (
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\ntime.sleep(1000)\n",
        "was not imported within",
    ),
    "hangs with a daemon": (DAEMON + "time.sleep(1000)\n", "was not imported within"),
    "writes beside itself": (
        "import os, pathlib\npathlib.Path('seen.txt').write_text(str(os.environ))\n",
        r"its own folder while it is imported: seen\.txt",
    ),
    "changes itself": (
        "import os, pathlib\nme = pathlib.Path(__file__)\nme.write_text(me.read_text() + '#')\n",
        r"its own folder while it is imported: service\.py",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_service_that_cannot_be_described_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(describe, "_SECONDS", 3.0 if "hangs" in what else 60.0)
    code, said = REFUSED[what]
    with pytest.raises(BuildError, match=said):
        built(folder, code)
    nothing_is_kept()


AT_START = {
    "writes beside itself": (
        "open(__file__ + '.seen', 'w').close()",
        r"its own folder when it is started: code/service\.py\.seen",
    ),
    "ends its process": ("__import__('os')._exit(3)", "it does not start"),
    "leaves": ("__import__('sys').exit(0)", "it does not start"),
    "hangs": ("__import__('time').sleep(1000)", "it was not ready within 5 s"),
    "hangs deaf": (
        "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(1000)",
        "it was not ready within 5 s",
    ),
}


@pytest.mark.parametrize("what", AT_START)
def test_a_service_that_does_not_start_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    if "hangs" in what:
        monkeypatch.setattr(building, "start_once", partial(start_once, seconds=5.0))
    code, said = AT_START[what]
    with pytest.raises(BuildError, match=said):
        built(folder, inside=code)
    nothing_is_kept()


def test_a_daemon_that_is_made_at_the_start_does_not_outlive_it(folder: Path) -> None:
    make = "__import__('subprocess').Popen(['sleep', '1000'], start_new_session=True)"
    assert built(folder, inside=make).files


def test_a_service_that_writes_into_project_and_store_changes_no_bundle(folder: Path) -> None:
    code = (
        "import pathlib, minibento\n"
        f"pathlib.Path({str(folder / 'late.py')!r}).write_text('late = 1')\n"
        "if 'MINIBENTO_BUNDLE' not in __import__('os').environ:\n"
        "    with minibento.models.create('late') as draft:\n"
        "        (draft.path / 'x').write_text('x')\n"
    )
    bundle = Bundle(built(folder, code).path)
    assert [one.name for one in bundle.code.iterdir()] == ["service.py"]
    assert set(bundle.facts.models) == {"doubler:latest"}
    assert minibento.models.get("late").path.is_dir()


@pytest.mark.parametrize("where", ["import", "start"])
def test_who_kills_a_build_leaves_nobody(folder: Path, tmp_path: Path, where: str) -> None:
    sign = tmp_path / "there"
    wait = f"open({str(sign)!r}, 'w').close(); __import__('time').sleep(1000)"
    start = f"\n    def __init__(self) -> None:\n        {wait}\n"
    service = f"{DAEMON}\n{wait}\n" if where == "import" else DAEMON + SERVICE + start
    project(folder, service=service)
    command = [sys.executable, "-m", "minibento.cli", "build", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as child:
        until(sign.exists, 60, lambda: "it was not imported")
        child.send_signal(signal.SIGKILL)
    until(lambda: marked() == [], 20, lambda: f"left: {marked()}")
    # What it was at is removed by the next one.
    project(folder, service=SERVICE)
    assert build(find_build_file(folder), Place(folder, "service", None), HERE, print).new
    assert list((local_store("bundles").folder / ".staging").iterdir()) == []
