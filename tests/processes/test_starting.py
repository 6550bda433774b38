"""Servers that are stopped before they are ready, or never become so (cases F15, F22, O11, O15)."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from minibento.processes.asking import ask
from tests.processes.launching import Launched, environment, launched, until

SERVICE = """
import minibento


class Model:
    @minibento.method(batchable=True)
    def double(self, numbers: list[int]) -> list[int]:
        return [2 * number for number in numbers]


@minibento.service
class Doubling:
    model = minibento.Runner(Model)

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)
"""

WAITING = "print('here', flush=True); import time; time.sleep(60)"

MODEL_SERVICE = """
import minibento

@minibento.service
class Doubling:
    model = minibento.models.get("doubling:latest").to_runner()

    @minibento.api
    async def double(self, number: int) -> int:
        return await self.model.double(number)
"""

# What it does when it is loaded, and what it answers, stands in a file beside the service.
MODEL = """
from pathlib import Path

class Doubling:
    def __reduce__(self):
        return made, ()

    def double(self, numbers):
        turn = Path("answering.txt")
        if turn.exists():
            exec(turn.read_text())
        return [(3 if turn.exists() else 2) * number for number in numbers]

def made():
    loading = Path("loading.txt")
    if loading.exists():
        exec(loading.read_text())
    return Doubling()
"""

TRAIN = """
import minibento

print(minibento.picklable_model.save_model(
    "doubling",
    Doubling(),
    signatures={"double": {"batchable": True}},
    example_input=[1, 2],
))
"""


def waiting_in(place: str) -> str:
    """A service that waits for a minute where it is told to."""
    hang = f"\n        {WAITING}"
    if place == "import":
        return f"{WAITING}\n{SERVICE}"
    if place == "load":
        return SERVICE.replace("Model:\n", f"Model:\n    def __init__(self):{hang}\n\n")
    method = f"    @minibento.{{}}\n    def now(self):{hang}\n\n"
    return SERVICE.replace("    @minibento.api\n", method.format(place) + "    @minibento.api\n")


def saved(folder: Path) -> Path:
    """A model, and a service of it; the version's folder in the store."""
    (folder / "service.py").write_text(MODEL_SERVICE)
    done = subprocess.run(
        [sys.executable, "-c", MODEL + TRAIN],
        cwd=folder,
        env=environment(folder, str(folder)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    name, version = done.stdout.strip().split(":")
    return folder / "home" / "models" / name / version


@pytest.mark.parametrize("place", ["import", "load", "on_startup"])
def test_a_start_that_is_stopped_ends_at_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "service.py").write_text(waiting_in(place))
    with launched(tmp_path) as server:
        server.prints("^here")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(5) == 0
        assert time.monotonic() - begun < 1.0
        assert "Traceback" not in server.output
        assert "ready:" not in server.output
        server.leaves_nothing()


def test_a_start_that_is_interrupted_ends_as_any_command_does(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(waiting_in("import"))
    with launched(tmp_path) as server:
        server.prints("^here")
        server.process.send_signal(signal.SIGINT)
        assert server.ends(5) == 130
        assert "Traceback" not in server.output
        server.leaves_nothing()


@pytest.mark.parametrize("place", ["import", "load", "on_startup"])
def test_a_stop_during_a_reload_ends_both_generations(tmp_path: Path, place: str) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    with launched(tmp_path) as server:
        assert server.url
        (tmp_path / "service.py").write_text(waiting_in(place))
        server.process.send_signal(signal.SIGHUP)
        server.prints("^here")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(5) == 0
        assert time.monotonic() - begun < 1.5
        assert "Traceback" not in server.output
        server.leaves_nothing()


def needs_no_rights(flags: tuple[str, ...]) -> bool:
    """Whether anybody may have such a port here."""
    first = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
    return "80" in flags and (not first.exists() or int(first.read_text()) <= 80)


@pytest.mark.parametrize(
    ("flags", "before", "said"),
    [
        (("--port", "{taken}"), (), "is in use"),
        (("--port", "80"), ("unshare", "-U"), "port 80"),
        (("--host", "exa mple"), (), "'exa mple' is not known here"),
        (("--host", "192.0.2.1"), (), "has no address 192.0.2.1"),
        (("--port", "70000"), (), "70000"),
        (("--port", "-1"), (), "-1"),
    ],
)
def test_a_port_or_host_that_cannot_be_had_is_one_line_and_leaves_nothing(
    tmp_path: Path, flags: tuple[str, ...], before: tuple[str, ...], said: str
) -> None:
    if needs_no_rights(flags) or subprocess.call([*before, "true"], stderr=subprocess.DEVNULL):
        pytest.skip("nobody is without rights here")
    (tmp_path / "service.py").write_text(SERVICE)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        given = [flag.replace("{taken}", taken) for flag in flags]
        begun = time.monotonic()
        with launched(tmp_path, *given, before=before) as server:
            check_no_start(server, said)
            assert time.monotonic() - begun < 5 * 2.0


def check_no_start(server: Launched, said: str, seconds: float = 20) -> None:
    """O15: it ends with a reason in one line, and nothing that it had begun to start is left."""
    assert server.ends(seconds) in {1, 2}
    errors = [one for one in server.output.splitlines() if one.startswith("Error: ")]
    assert len(errors) == 1, server.output
    assert said in errors[0]
    assert "Traceback" not in server.output
    server.leaves_nothing()


NO_STARTS = {
    "sleep": "sleep 60 > /dev/null 2>&1 & echo Error: port 80; exit 1",
    "Traceback": "echo Traceback; echo Error: port 80; exit 1",
    "== 1": "echo Error: port 80; echo Error: again; exit 1",
    "in {1, 2}": "echo Error: port 80; exit 3",
    "in 'Error: something'": "echo Error: something; exit 1",
    "has not ended": "echo Error: port 80; exec sleep 60",
}


@pytest.mark.parametrize(("seen", "script"), NO_STARTS.items())
def test_the_detector_sees_a_start_that_fails_otherwise(
    tmp_path: Path, seen: str, script: str
) -> None:
    """The negative control of O15: what is started in the server's place."""
    with (
        launched(tmp_path, before=["sh", "-c", script]) as server,
        pytest.raises(AssertionError, match=seen),
    ):
        check_no_start(server, "port 80", seconds=0.5)


def test_the_detector_sees_a_server_that_does_start(tmp_path: Path) -> None:
    """The negative control of O15 and F22."""
    (tmp_path / "service.py").write_text(SERVICE)
    with launched(tmp_path) as server:
        assert server.url
        with pytest.raises(AssertionError, match="has not ended"):
            check_no_start(server, "port", seconds=0.1)
        with pytest.raises(AssertionError, match="has not ended"):
            check_failed(server, "exit code 7", 3, seconds=0.1)


def damage(folder: Path, model: Path, how: str) -> None:
    """Make the next load fail."""
    if how == "raises":
        (folder / "loading.txt").write_text("raise ValueError('the weights are gone')")
    elif how == "hangs":
        (folder / "loading.txt").write_text("import time; time.sleep(60)")
    elif how == "ends":
        (folder / "loading.txt").write_text("import os; os._exit(7)")
    elif how == "answers wrongly":
        (folder / "answering.txt").write_text("")
    elif how == "answers never":
        (folder / "answering.txt").write_text("import os; os._exit(7)")
    else:
        pickled = max(model.rglob("*.pkl"), key=lambda path: path.stat().st_size)
        pickled.parent.chmod(0o755)
        data = bytearray(pickled.read_bytes())
        pickled.unlink()
        if how == "other bytes":
            data[len(data) // 2] ^= 1
            pickled.write_bytes(data)


# What is said, and how often it is tried.
FAILURES = [
    ("raises", "ValueError: the weights are gone", 3),
    ("hangs", "was not loaded within 1.5 s", 3),
    ("ends", "exit code 7", 3),
    ("answers wrongly", "example", 1),
    ("answers never", "exit code 7", 3),
    ("missing", "model.pkl", 1),
    ("other bytes", "model.pkl", 1),
]

QUICK = {"raises", "answers wrongly", "other bytes"}


@pytest.mark.parametrize(
    ("how", "said", "tries"),
    [pytest.param(*one, marks=() if one[0] in QUICK else pytest.mark.slow) for one in FAILURES],
)
def test_a_server_whose_model_fails_ends_with_the_reason(
    tmp_path: Path, how: str, said: str, tries: int
) -> None:
    damage(tmp_path, saved(tmp_path), how)
    with launched(tmp_path, "--set", "start_timeout=1.5") as server:
        check_failed(server, said, tries, tracebacks=int(how == "raises"))


def check_failed(
    server: Launched, said: str, tries: int, *, tracebacks: int = 0, seconds: float = 20
) -> None:
    """F22: it was never ready, was tried so often, and its last line is the reason."""
    assert server.ends(seconds) == 1
    *lines, last = server.output.splitlines()
    assert said in last, server.output
    assert "ready:" not in server.output
    again = [line for line in lines if said in line and "; trying again" in line]
    assert len(again) == tries - 1, server.output
    assert server.output.count("Traceback") == tracebacks, server.output
    server.leaves_nothing()


@pytest.mark.parametrize(
    ("seen", "script"),
    [
        (r"1 == \(3 - 1\)", "echo 'exit code 7; trying again'; echo exit code 7; exit 1"),
        ("not in", "echo ready:; echo exit code 7; exit 1"),
        ("in 'no reason'", "echo exit code 7; echo no reason; exit 1"),
    ],
)
def test_the_detector_sees_a_failure_that_is_told_otherwise(
    tmp_path: Path, seen: str, script: str
) -> None:
    """The negative control of F22: what is started in the server's place."""
    with (
        launched(tmp_path, before=["sh", "-c", script]) as server,
        pytest.raises(AssertionError, match=seen),
    ):
        check_failed(server, "exit code 7", 3)


def test_nobody_is_let_in_while_a_model_loads(tmp_path: Path) -> None:
    """F22: whoever connects before is refused, and so is whoever asks after health."""
    (tmp_path / "service.py").write_text(waiting_in("load"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with launched(tmp_path, "--port", str(port)) as server:
        server.prints("^here")
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"http://127.0.0.1:{port}/readyz")


@pytest.mark.slow
def test_a_reload_whose_model_fails_is_refused_and_nothing_of_it_stays(tmp_path: Path) -> None:
    model = saved(tmp_path)
    files = {path: path.read_bytes() for path in model.rglob("*.pkl")}
    with launched(tmp_path, "--set", "start_timeout=1.5") as server:
        assert server.url
        before = sorted(server.left())
        for how, said, _ in FAILURES:
            damage(tmp_path, model, how)
            assert_refused(server, said)
            until(lambda: sorted(server.left()) == before, 3, lambda: str(server.left()))
            for name in ("loading.txt", "answering.txt"):
                (tmp_path / name).unlink(missing_ok=True)
            for path, data in files.items():
                path.unlink(missing_ok=True)
                path.write_bytes(data)
        assert ask(server.directory, {"do": "reload"})["ok"]


def assert_refused(server: Launched, said: str) -> None:
    answer = ask(server.directory, {"do": "reload"})
    assert not answer["ok"]
    assert said in answer["error"], answer
    state = ask(server.directory, {"do": "status"})["server"]
    assert (state["state"], state["generation"]) == ("ready", 1)


@pytest.mark.parametrize("streams", [">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"])
def test_a_server_whose_output_leads_nowhere_serves(tmp_path: Path, streams: str) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    with launched(tmp_path, before=["sh", "-c", f'exec "$@" {streams}', "sh"]) as server:
        until(lambda: bool(list(server.run.glob("*/info.json"))), 30)
        url = json.loads((server.directory / "info.json").read_text())["url"]
        assert httpx2.post(f"{url}/double", json=21).json() == 42
        server.process.send_signal(signal.SIGTERM)
        assert server.ends(20) == 0
