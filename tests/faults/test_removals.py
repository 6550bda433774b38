"""Files that a server came from, or goes through, are removed while it serves."""

import os
import signal
from pathlib import Path

import httpx2

from tests.faults.model import service
from tests.processes.launching import Launched, launched, until
from tests.processes.serving import Running, running

GOOD = {"nonce": 1, "kind": "good"}


def says(server: Running, words: str) -> None:
    """Wait until the log does."""
    until(lambda: words in server.server.output, 20, lambda: server.server.output)


def workers(server: Launched) -> list[int]:
    """The process ids of runner workers."""
    return [pid for pid, name in server.left().items() if "runner-worker" in name]


def stopped_and_replaced(server: Launched) -> None:
    """Stop the only runner worker and wait for another one."""
    (worker,) = workers(server)
    os.kill(worker, signal.SIGSTOP)
    server.prints(rf"runner-worker-model-0\[{worker}\] is killed: it was stopped")
    until(lambda: workers(server) not in ([], [worker]))


def test_without_its_code_it_serves_and_says_what_keeps_it_from_loading(tmp_path: Path) -> None:
    service(tmp_path, workers=1)
    with running(tmp_path) as server:
        (tmp_path / "service.py").unlink()
        server.until_replaced("runner-worker", server.kill("runner-worker"))
        assert server.post("/treat", GOOD) == [1, 2]
        server.kill("runner-nursery")
        says(server, "the nursery of runner model ended: ")
        says(server, "No module named 'service'; its workers live on, it loads again")
        assert server.post("/treat", GOOD) == [1, 2]
        assert "service.py" in server.reload()["error"]
        service(tmp_path, workers=1)
        server.until(lambda status: all(one["state"] == "ready" for one in status["processes"]))
        assert server.reload()["ok"]
        assert server.post("/treat", GOOD) == [1, 2]


def test_a_socket_that_was_removed_is_told_of_and_a_reload_makes_another(tmp_path: Path) -> None:
    service(tmp_path, workers=1)
    with running(tmp_path) as server:
        for one in server.directory.glob("g1-*.sock"):
            one.unlink()
        server.until_replaced("runner-worker", server.kill("runner-worker"))
        says(server, "runner 'model': no connection to ")
        assert server.http.get("/readyz").status_code == 503
        assert server.reload()["ok"]
        # Over a connection to the new ones.
        with httpx2.Client(base_url=server.server.url, timeout=20) as http:
            assert http.post("/treat", json=GOOD).json() == [1, 2]


def test_who_may_not_see_its_run_directory_any_more_still_minds_its_workers(tmp_path: Path) -> None:
    service(tmp_path, workers=1)
    # What may be done by whom is no matter to the superuser, unless that is taken away.
    bound = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    with launched(tmp_path, before=[] if os.geteuid() else bound) as server:
        assert server.url
        try:
            server.run.chmod(0)
            # Twice: the first one may come before it has looked.
            stopped_and_replaced(server)
            stopped_and_replaced(server)
            server.process.terminate()
            assert server.ends(20) == 0, server.output
        finally:
            server.run.chmod(0o700)
