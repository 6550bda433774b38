"""The user's readiness check, whatever it does, never holds up a probe (case F23)."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.processes.serving import Running, running

SERVICE = """
import ctypes
import time
from pathlib import Path

import minibento

DOES = {
    "true": lambda: True,
    "false": lambda: False,
    "raises": lambda: 1 / 0,
    "yes": lambda: "yes",
    "sleeps": lambda: time.sleep(60),
    # Once, and unlike the other it keeps the interpreter to itself.
    "holds": lambda: Path("check").write_text("false") and ctypes.PyDLL(None).sleep(4),
}


@minibento.service
class Checked:
    @minibento.ready
    def check(self) -> bool:
        return DOES[Path("check").read_text()]()

    @minibento.api
    async def answer(self) -> int:
        return 42
"""
# A check has one second; this machine has other work too.
PROBE_SECONDS = 3.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "service.py").write_text(SERVICE)
    (tmp_path / "check").write_text("true")
    with running(tmp_path, MINIBENTO_API_WORKERS="1", MINIBENTO_ACCESS_LOG="false") as server:
        yield server


def check_unready(server: Running, folder: Path, check: str) -> float:
    """Ten probes at once are told 503 in time; the longest, in seconds."""
    (folder / "check").write_text(check)

    def probe(_: int) -> float:
        begun = time.monotonic()
        answer = httpx2.get(f"{server.server.url}/readyz", timeout=20)
        took = time.monotonic() - begun
        assert answer.status_code == 503, check
        assert took < PROBE_SECONDS, check
        return took

    with ThreadPoolExecutor(10) as pool:
        longest = max(pool.map(probe, range(10)))
    assert server.http.get("/livez").status_code == 200
    assert server.post("/answer") == 42
    return longest


def test_a_check_that_does_not_say_yes_is_no_in_time(server: Running, tmp_path: Path) -> None:
    # What sleeps is the check of every probe after it, too.
    checks = ("false", "raises", "yes", "sleeps")
    longest = {check: check_unready(server, tmp_path, check) for check in checks}
    assert longest["sleeps"] > 0.9, longest


@pytest.mark.parametrize("check", ["true", "holds"])
def test_the_detector_sees_a_check_that_says_yes_and_one_that_holds_up_the_probe(
    server: Running, tmp_path: Path, check: str
) -> None:
    """The negative control of F23."""
    with pytest.raises(AssertionError, match=check):
        check_unready(server, tmp_path, check)
