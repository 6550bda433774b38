"""One command is killed, or refused by the disk, at one chosen system call of its own.

The calls are counted in a run that goes well. kill -9 is not a power cut: what is on the disk by
then, the order of the calls says (S2).
"""

import os
import shutil
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHANGING = (
    *("mkdir", "write", "pwrite64", "fchmod", "chmod", "fsync", "sync", "flock", "rename"),
    *("link", "linkat", "unlink", "unlinkat", "rmdir", "sendfile", "copy_file_range"),
    *("ftruncate", "symlink"),
)
FAILING = ("openat", "mkdir", "write", "fchmod", "fsync", "rename", "sendfile", "flock", "link")
ERRORS = ("ENOSPC", "EIO", "EDQUOT")

needs_strace = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is missing: apt-get install strace"
)
# How many of the steps of a verb are tried.
DEPTHS = [
    pytest.param(12, marks=pytest.mark.system, id="some"),
    pytest.param(10_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)], id="all"),
]


@dataclass(frozen=True)
class Step:
    """One system call: its name, the how-many-eth of that name, and what strace shows of it."""

    name: str
    count: int
    line: str


@dataclass(frozen=True)
class Scene(ABC):
    """What there is before each run, in `given`; each run has a copy of it, `now`."""

    folder: Path

    @property
    def given(self) -> Path:
        return self.folder / "given"

    @property
    def now(self) -> Path:
        return self.folder / "now"

    @property
    def home(self) -> Path:
        return self.now / "home"

    def renew(self) -> None:
        shutil.rmtree(self.now, ignore_errors=True)
        shutil.copytree(self.given, self.now, symlinks=True)

    @abstractmethod
    def command(self, verb: str) -> list[str]:
        """What is run for a verb."""

    def environment(self, verb: str) -> dict[str, str]:
        """Of that run."""
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "MINIBENTO_HOME": str(self.home),
        }

    def run(self, verb: str, *around: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*around, *self.command(verb)],
            env=self.environment(verb),
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def steps(self, verb: str) -> list[Step]:
        """Every call of one run that changes something."""
        self.renew()
        log = self.folder / "trace"
        done = self.run(verb, *strace(log, f"trace=openat,{','.join(CHANGING)}"))
        assert done.returncode == 0, done.stderr
        return list(_steps(log.read_text().splitlines()))

    def killed(self, verb: str, step: Step) -> None:
        """Run it afresh until that call."""
        self.renew()
        inject = f"inject={step.name}:signal=SIGKILL:when={step.count}"
        killed = self.run(verb, *strace(self.folder / "log", inject))
        assert killed.returncode in {-9, 137}, (step.line, killed)

    def refused(self, verb: str, step: Step, error: str) -> "subprocess.CompletedProcess[str]":
        """Run it afresh with that call failing; what it says of it is one line."""
        self.renew()
        inject = f"inject={step.name}:error={error}:when={step.count}"
        done = self.run(verb, *strace(self.folder / "log", inject))
        log = (self.folder / "log").read_text().splitlines()
        hit = [line for line in log if "(INJECTED)" in line]
        assert len(hit) == 1, (step.line, hit)
        assert str(self.now) in hit[0], (step.line, hit)
        assert done.returncode in {0, 1}, (step.line, error, done)
        for unwanted in ("Traceback", "not expected here"):
            assert unwanted not in done.stderr, (step.line, error, done.stderr)
        if done.returncode:
            said = done.stderr.splitlines()[-1]
            assert said.startswith("Error: "), (step.line, error, done.stderr)
            assert str(self.now) in said, (step.line, error, said)
        return done

    def failing(self, verb: str) -> list[Step]:
        """The steps in this scene's own files that the disk may refuse."""
        return [
            one for one in self.steps(verb) if one.name in FAILING and str(self.now) in one.line
        ]


def _steps(lines: Sequence[str]) -> Iterator[Step]:
    seen: dict[str, int] = {}
    for line in lines:
        name = line.partition("(")[0]
        if name not in CHANGING and name != "openat":
            continue
        seen[name] = seen.get(name, 0) + 1
        # Opening changes something, and needs room, where it makes a file.
        if name != "openat" or "O_CREAT" in line:
            yield Step(name, seen[name], line)


def strace(log: Path, expression: str) -> list[str]:
    """Of the process itself, not of those that it starts: they are left behind if it is killed."""
    return ["strace", "-qq", "-y", "-s", "0", "-o", str(log), "-e", expression]


def thinned(steps: Sequence[Step], depth: int) -> list[Step]:
    """So many of them, over the whole run, the last ones always."""
    every = max(1, len(steps) // depth)
    return [*steps[:-6:every], *steps[-6:]]


def report(request: pytest.FixtureRequest, text: str) -> None:
    """For docs/reliability.md: shown with -s."""
    request.config.get_terminal_writer().line(text)
