"""Who is whose child, tried with real processes."""

import errno
import os
import shutil
import signal
import subprocess
import sys

import pytest

from minibento.processes import parentage

# A supervisor that lets a middle process fork a worker; each line on the output is told when true.
FAMILY = """
import os, signal, sys
from minibento.processes.parentage import adopted_by, become_subreaper, die_with_parent
supervisor = os.getpid()
become_subreaper()
middle = os.fork()
if middle == 0:
    before = os.getpid()
    if os.fork() == 0:
        adopted = adopted_by(supervisor)
        die_with_parent(supervisor)
        print(adopted, os.getppid() == supervisor, before != supervisor, flush=True)
        print(os.getpid(), flush=True)
        signal.pause()
    os._exit(0)
os.waitpid(middle, 0)
if sys.argv[1] == "wait":
    signal.pause()
pid, status = os.waitpid(-1, 0)
print(pid, os.waitstatus_to_exitcode(status), flush=True)
"""


def family(how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FAMILY, how],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # nothing but its own wish ties the worker's life to another
    )


def answers(code: str) -> subprocess.CompletedProcess[str]:
    head = "import os, sys, signal\nfrom minibento.processes.parentage import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + code],
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )


def test_a_worker_whose_middle_process_has_left_is_the_subreapers_child() -> None:
    with family("reap") as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "True True True\n"
        worker = int(supervisor.stdout.readline())
        os.kill(worker, signal.SIGTERM)
        assert supervisor.stdout.readline() == f"{worker} {-signal.SIGTERM}\n"
        assert supervisor.wait(10) == 0


def test_a_worker_goes_with_a_subreaper_that_is_killed() -> None:
    with family("wait") as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == "True True True\n"
        assert int(supervisor.stdout.readline()) > 0
        supervisor.kill()
        # The worker holds the other end: it ends with the worker and not before.
        rest, _ = supervisor.communicate(timeout=10)
        assert rest == ""


def test_a_worker_whose_parent_is_another_already_leaves_at_once() -> None:
    done = answers("die_with_parent(os.getppid() + 1)\nprint('still here')")
    assert (done.returncode, done.stdout) == (1, "")


def test_an_adoption_that_does_not_come_is_not_waited_for_for_ever() -> None:
    assert not parentage.adopted_by(os.getpid(), within=0.01)
    assert parentage.adopted_by(os.getppid(), within=0)


def test_threads_of_libraries_are_counted_too() -> None:
    code = """
from threading import Event, Thread
print(threads())
stop = Event()
Thread(target=stop.wait).start()
print(threads())
stop.set()
"""
    assert answers(code).stdout.split() == ["1", "2"]


def test_a_title_takes_the_place_of_the_command_line() -> None:
    code = """
set_title("a first one that is longer")
set_title("minibento: worker")
from pathlib import Path
print(Path("/proc/self/cmdline").read_bytes().rstrip(b"\\0"))
print(Path("/proc/self/comm").read_text().strip())
"""
    assert answers(code).stdout.splitlines() == ["b'minibento: worker'", "minibento: work"]


def test_a_title_that_is_too_long_is_cut_and_touches_no_variable() -> None:
    code = """
from pathlib import Path
before = Path("/proc/self/cmdline").read_bytes(), Path("/proc/self/environ").read_bytes()
set_title("minibento: \\0 x" * 1000)
after = Path("/proc/self/cmdline").read_bytes(), Path("/proc/self/environ").read_bytes()
print(len(before[0]) == len(after[0]), before[1] == after[1], after[0].count(b"\\0"))
"""
    assert answers(code).stdout.split() == ["True", "True", "1"]


def test_a_forked_process_has_a_title_of_its_own() -> None:
    code = """
from pathlib import Path
set_title("minibento: nursery")
if os.fork() == 0:
    set_title("minibento: worker 1")
    os._exit(0 if b"worker 1" in Path("/proc/self/cmdline").read_bytes() else 1)
print(os.wait()[1], b"nursery" in Path("/proc/self/cmdline").read_bytes())
"""
    assert answers(code).stdout.split() == ["0", "True"]


@pytest.mark.skipif(shutil.which("ps") is None, reason="no ps: apt-get install procps")
def test_ps_shows_the_title() -> None:
    code = "set_title('minibento: api 1')\n"
    code += (
        "import subprocess as s\n"
        "print(s.check_output(['ps', '-o', 'args=', '-p', str(os.getpid())], text=True))"
    )
    assert answers(code).stdout.strip() == "minibento: api 1"


def test_without_a_readable_command_line_only_the_name_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []
    monkeypatch.setattr(parentage, "_prctl", lambda option, _: asked.append(option))
    monkeypatch.setattr(parentage, "_command_line", lambda: (0, 0))
    parentage.set_title("x")
    assert asked == [15]


def test_what_the_kernel_refuses_is_an_error_that_names_it() -> None:
    with pytest.raises(OSError, match=r"prctl\(9999, 1\): Invalid argument") as caught:
        parentage._prctl(9999, 1)
    assert caught.value.errno == errno.EINVAL
