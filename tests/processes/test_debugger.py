"""`breakpoint()` in a child of a server, driven through a real terminal."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# The leader of a session that owns the terminal, with a child in a group of its own.
SUPERVISOR = """
import fcntl, os, signal, subprocess, sys, termios
from minibento.processes.terminal import Terminal
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
terminal = Terminal.controlling()
assert os.tcgetpgrp(0) == os.getpgrp()
children = [
    subprocess.Popen(
        [sys.executable, sys.argv[1], sys.argv[2], str(number)],
        stdin=subprocess.DEVNULL, process_group=0,
    )
    for number in range(int(sys.argv[3]))
]
left = []
for child in children:
    left.append(child.wait())
    terminal.reclaim(child.pid)
print("children left with", *left, flush=True)
modes = termios.tcgetattr(0)
print("echo", bool(modes[3] & termios.ECHO), flush=True)
print("given back", os.tcgetpgrp(0) == os.getpgrp(), flush=True)
"""

HEAD = """
import logging, os, signal, sys, threading
from pathlib import Path
from minibento.processes.debugger import install
logging.basicConfig(format="%(message)s", stream=sys.stdout)
SAYS = 1
def debugging(on):
    os.write(SAYS, b"debugging %s\\n" % str(on).encode())
install(debugging, Path(sys.argv[1]))
signal.signal(signal.SIGINT, signal.SIG_IGN)
"""


class Person:
    """Somebody at a terminal."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.seen = ""
        self._read = 0

    def sees(self, text: str, pressing: str = "") -> str:
        """Wait for `text` after what was seen before; all that came until then.

        Args:
            pressing: Keys to press until it comes: a signal between the prompt and the wait for
                input, which no person is quick enough for, is seen by Python at the next key only.
        """
        until = time.monotonic() + 20
        while (found := self.seen.find(text, self._read)) < 0:
            self.types(pressing)
            patience = 0.2 if pressing else until - time.monotonic()
            ready, _, _ = select.select([self._descriptor], [], [], patience)
            if pressing and not ready and time.monotonic() < until:
                continue
            assert ready, f"no {text!r} in {self.seen!r}"
            try:
                self.seen += os.read(self._descriptor, 4096).decode()
            except OSError as error:  # nobody has the other end any more
                raise AssertionError(f"no {text!r} in {self.seen!r}") from error
        before, self._read = self._read, found + len(text)
        return self.seen[before : self._read]

    def types(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())


@contextmanager
def server(
    folder: Path, child: str, children: int = 1, **variables: str
) -> Iterator[tuple[Person, "subprocess.Popen[bytes]"]]:
    script = folder / "child.py"
    script.write_text(HEAD + child)
    master, slave = os.openpty()
    plain = {key: value for key, value in os.environ.items() if key != "PYTHONBREAKPOINT"}
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, script, folder / "lock", str(children)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env=plain | {"TERM": "dumb", "PYTHONPATH": f"{ROOT}:{folder}"} | variables,
    )
    os.close(slave)
    try:
        yield Person(master), process
    finally:
        process.kill()
        process.wait()
        os.close(master)


HANDLER = """
def handler():
    amount = 41
    breakpoint()
    amount += 1
    print("amount is", amount, flush=True)
handler()
"""

# Since Python 3.13 pdb asks before the next line.
STOPS_AT = "breakpoint()" if sys.version_info >= (3, 13) else "amount += 1"


def test_a_breakpoint_asks_at_the_terminal_and_the_server_goes_on(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER) as (person, _):
        asked = person.sees("(Pdb) ")
        assert asked.index("debugging True") < asked.index(f"-> {STOPS_AT}")
        person.types("p 1+1\n")
        person.sees("\n2\r\n(Pdb) ")
        person.types("amount = 6\n")
        person.sees("(Pdb) ")
        person.types("c\n")
        assert "debugging False" in person.sees("amount is 7")
        person.sees("children left with 0")
        person.sees("echo True")
        person.sees("given back True")


def test_each_step_lends_the_terminal_anew(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER) as (person, _):
        person.sees("(Pdb) ")
        person.types("n\n")
        between = person.sees("(Pdb) ")
        assert between.index("debugging False") < between.index("debugging True")
        assert between.index("debugging True") < between.index("child.py(")
        person.types("c\n")
        person.sees("given back True")


def test_ctrl_c_brings_the_prompt_back_and_ctrl_z_does_nothing(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER) as (person, _):
        person.sees("(Pdb) ")
        person.types("\x1a")
        person.sees("--KeyboardInterrupt--", pressing="\x03")
        person.sees("(Pdb) ")
        person.types("p 'still ' + 'here'\n")
        person.sees("still here")
        person.types("c\n")
        person.sees("amount is 42")
        person.sees("given back True")


def test_ctrl_c_is_ignored_again_after_the_prompt(tmp_path: Path) -> None:
    child = HANDLER + "print('ignored', signal.getsignal(signal.SIGINT) == signal.SIG_IGN)\n"
    with server(tmp_path, child) as (person, _):
        person.sees("(Pdb) ")
        person.types("c\n")
        person.sees("ignored True")


def test_quitting_raises_in_the_users_code_and_gives_the_terminal_back(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER) as (person, _):
        person.sees("(Pdb) ")
        person.types("q\n")
        assert "debugging False" in person.sees("bdb.BdbQuit")
        person.sees("children left with 1")
        person.sees("given back True")


def test_a_child_that_is_killed_at_the_prompt_does_not_keep_the_terminal(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER) as (person, _):
        person.sees("(Pdb) ")
        person.types("import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
        person.sees("children left with -9")
        person.sees("echo True")
        person.sees("given back True")


def test_two_breakpoints_ask_one_after_the_other(tmp_path: Path) -> None:
    # Only prompts are written to the terminal: who has it is alone there.
    child = f"""
SAYS = os.open({str(tmp_path / "said")!r}, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
def handler():
    amount = 41
    breakpoint()
    os.write(SAYS, b"child %s done\\n" % sys.argv[2].encode())
handler()
"""
    with server(tmp_path, child, children=2) as (person, _):
        for _ in range(2):
            person.sees("(Pdb) ")
            person.types("p amount + 100\n")
            person.sees("141\r\n(Pdb) ")
            person.types("c\n")
        person.sees("children left with 0 0")
        person.sees("given back True")
    said = (tmp_path / "said").read_text().splitlines()
    assert sorted(said)[:2] == ["child 0 done", "child 1 done"]
    assert said.count("debugging True") == said.count("debugging False") == 2


def test_a_breakpoint_on_another_thread_asks_too(tmp_path: Path) -> None:
    child = HANDLER.replace("\nhandler()", "\nthreading.Thread(target=handler).start()")
    with server(tmp_path, child) as (person, _):
        person.sees("(Pdb) ")
        person.types("p threading.current_thread().name\n")
        person.sees("Thread-1")
        person.types("c\n")
        person.sees("amount is 42")
        person.sees("given back True")


def test_a_header_is_shown(tmp_path: Path) -> None:
    with server(tmp_path, "breakpoint(header='look at this')\nx = 1\n") as (person, _):
        assert "look at this" in person.sees("(Pdb) ")
        person.types("c\n")
        person.sees("given back True")


def test_a_server_whose_output_goes_elsewhere_is_asked_at_the_terminal(tmp_path: Path) -> None:
    child = f"""
out = open({str(tmp_path / "out")!r}, "w")
os.dup2(out.fileno(), 1)
{HANDLER}
"""
    with server(tmp_path, child) as (person, _):
        person.sees("(Pdb) ")
        person.types("p 1+1\n")
        person.sees("\n2\r\n(Pdb) ")
        person.types("c\n")
        person.sees("given back True")
    out = (tmp_path / "out").read_text()
    assert "amount is 42" in out
    assert "(Pdb)" not in out


def test_pythonbreakpoint_0_passes_it_over(tmp_path: Path) -> None:
    with server(tmp_path, HANDLER, PYTHONBREAKPOINT="0") as (person, _):
        person.sees("amount is 42")
        person.sees("given back True")
    assert "debugging" not in person.seen


def test_pythonbreakpoint_names_another_debugger(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("""
import pdb, sys
class Other(pdb.Pdb):
    pass
def set_trace():
    debugger = Other()
    debugger.prompt = "(Other) "
    debugger.set_trace(sys._getframe().f_back)
def ask():
    print("you said", input("what? "))
""")
    with server(tmp_path, HANDLER, PYTHONBREAKPOINT="other.set_trace") as (person, _):
        assert f"-> {STOPS_AT}" in person.sees("(Other) ")
        person.types("p amount\n")
        person.sees("\n41\r\n(Other) ")
        person.types("n\n")
        person.sees("(Other) ")
        person.types("c\n")
        person.sees("amount is 42")
        person.sees("given back True")
    with server(tmp_path, HANDLER, PYTHONBREAKPOINT="other.ask") as (person, _):
        person.sees("what? ")
        person.types("yes\n")
        person.sees("you said yes")
        assert "debugging False" in person.sees("amount is 42")
        person.sees("given back True")


def passed_over(folder: Path) -> str:
    """What a child says that has no terminal at all."""
    script = folder / "child.py"
    script.write_text(HEAD + HANDLER)
    done = subprocess.run(
        [sys.executable, script, folder / "lock"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=True,
        timeout=20,
    )
    return done.stdout


def test_without_a_terminal_it_is_passed_over_aloud(tmp_path: Path) -> None:
    said = passed_over(tmp_path)
    place = f"breakpoint() at {tmp_path / 'child.py'}:"
    assert place in said
    assert "is passed over: the server has no terminal" in said
    assert "amount is 42" in said
    assert "debugging" not in said


@pytest.mark.skipif(sys.platform != "linux", reason="job control as Linux does it")
def test_a_server_in_the_background_does_not_take_the_terminal_from_its_shell(
    tmp_path: Path,
) -> None:
    child = f"""
import subprocess
# A shell that has the terminal: another group than the supervisor's.
shell = subprocess.Popen(["sleep", "60"], process_group=0)
from minibento.processes.terminal import Terminal
Terminal.controlling().give_back(shell.pid)
{HANDLER}
shell.kill()
"""
    with server(tmp_path, child) as (person, _):
        person.sees("is passed over: it is in the background")
        person.sees("amount is 42")
