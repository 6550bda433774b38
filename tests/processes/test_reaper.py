"""How a supervisor learns that its children have ended."""

import asyncio
import os
import signal
import subprocess
import sys

import pytest

from minibento.processes.supervisor.reaper import Reaper, in_words


def started(code: str) -> int:
    return os.posix_spawn(sys.executable, [sys.executable, "-c", code], os.environ)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("pass", "exit code 0"),
        ("import os; os._exit(7)", "exit code 7"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import os; os.kill(os.getpid(), 50)", "killed by signal 50"),
    ],
)
def test_a_childs_end_is_told_in_words(code: str, words: str) -> None:
    async def run() -> str:
        reaper = Reaper(asyncio.get_running_loop())
        try:
            async with asyncio.timeout(20):
                return in_words(await reaper.end_of(started(code)))
        finally:
            reaper.close()

    assert asyncio.run(run()) == words


def test_a_child_that_ended_before_anybody_asked_is_known() -> None:
    async def run() -> str:
        loop = asyncio.get_running_loop()
        reaper = Reaper(loop)
        first, second = started("pass"), started("import time; time.sleep(0.3)")
        try:
            async with asyncio.timeout(20):
                await reaper.end_of(second)
                return in_words(await reaper.end_of(first))
        finally:
            reaper.close()

    assert asyncio.run(run()) == "exit code 0"


def test_what_has_been_collected_is_not_killed_again() -> None:
    async def run() -> None:
        reaper = Reaper(asyncio.get_running_loop())
        pid = started("pass")
        async with asyncio.timeout(20):
            await reaper.end_of(pid)
        reaper.kill(pid)
        reaper.close()

    asyncio.run(run())
    assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL


# Without the right to kill processes of others, beside a child that becomes another's.
ANOTHERS = """
import asyncio, os, subprocess, sys
from minibento.processes.supervisor.reaper import Reaper

async def run():
    reaper = Reaper(asyncio.get_running_loop())
    code = "import os, sys; os.setuid(65534); print('now', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    child = subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe)
    child.stdout.readline()
    end = reaper.end_of(child.pid)
    reaper.kill(child.pid)
    print("goes on", flush=True)
    child.stdin.close()
    child.returncode = os.waitstatus_to_exitcode(await asyncio.wait_for(end, 20))
    reaper.close()

asyncio.run(run())
"""


@pytest.mark.system
def test_a_child_that_has_become_another_users_ends_nobody_who_would_kill_it() -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-kill", sys.executable, "-c", ANOTHERS],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n"), done.stderr
    assert "is another user's by now and cannot be killed" in done.stderr
