"""Files that a server came from, or goes through, are removed while it serves."""

from pathlib import Path

import httpx2

from tests.faults.model import service
from tests.processes.launching import until
from tests.processes.serving import Running, running

GOOD = {"nonce": 1, "kind": "good"}


def says(server: Running, words: str) -> None:
    """Wait until the log does."""
    until(lambda: words in server.server.output, 20, lambda: server.server.output)


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
