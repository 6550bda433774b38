"""Nothing that user code has started outlives who answers for it."""

import subprocess
import sys

SCRIPT = """
import os, subprocess, sys, time
from minibento.processes import orphans, parentage

sleep = ["sleep", "600"]
other = subprocess.Popen(sleep)
spared = orphans.children()
assert spared == {other.pid}
parentage.become_subreaper()
leaver = f"import subprocess; subprocess.Popen({sleep}, start_new_session=True)"
subprocess.run([sys.executable, "-c", leaver], check=True)
subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run({sleep})"])
while len(orphans.children()) < 3:
    time.sleep(0.01)
orphans.end_what_is_left(spared)
print(orphans.children() == spared)
orphans.end_what_is_left()
print(orphans.children())

leader = subprocess.Popen(["sh", "-c", "sleep 600 & echo $!"], process_group=0, stdout=-1)
follower = int(leader.stdout.readline())
leader.wait()
os.kill(follower, 0)
orphans.end_group(leader.pid)
print(os.waitpid(follower, 0)[1])
orphans.end_group(leader.pid)
"""


def test_all_children_end_but_those_that_are_spared_and_so_does_a_group() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.split() == ["True", "set()", "9"], done


CROWD = """
import os, threading, time
from minibento.processes import orphans

over = time.monotonic() + 1.5

def come_and_go() -> None:
    while time.monotonic() < over:
        pid = os.posix_spawn("/bin/true", ["true"], {})
        os.waitpid(pid, 0)

threads = [threading.Thread(target=come_and_go) for _ in range(4)]
for one in threads:
    one.start()
looks = 0
while time.monotonic() < over:
    orphans.children()
    looks += 1
for one in threads:
    one.join()
print("looked" if looks else "")
"""


def test_processes_that_end_while_children_are_looked_for_are_no_error() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CROWD], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.stdout.split() == ["looked"], done
