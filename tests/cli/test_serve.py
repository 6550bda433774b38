"""`minibento serve` as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

# The process, its port, its ready line.
Ready = tuple["subprocess.Popen[str]", int, str]

SERVICE = """
import asyncio
import threading
import minibento


class Words:
    @minibento.method(batchable=True)
    def count(self, texts: list[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    @minibento.method
    def stick(self) -> None:
        threading.Event().wait()


@minibento.service
class Counter:
    model = minibento.Runner(Words)

    @minibento.on_shutdown
    def say_goodbye(self) -> None:
        print("goodbye", flush=True)

    @minibento.api
    async def count(self, text: str) -> int:
        return await self.model.count(text)

    @minibento.api
    async def slow(self, seconds: float) -> str:
        print("slow began", flush=True)
        await asyncio.sleep(seconds)
        return "done"

    @minibento.api
    def never(self) -> None:
        print("never began", flush=True)
        threading.Event().wait()

    @minibento.api
    async def never_in_thread(self) -> None:
        print("never began", flush=True)
        await asyncio.to_thread(threading.Event().wait)

    @minibento.api
    async def never_in_runner(self) -> None:
        print("never began", flush=True)
        await self.model.stick()
"""


NEVER_ENDING_HOOK = 'print("goodbye", flush=True); threading.Event().wait()'


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "service.py").write_text(SERVICE)
    return tmp_path


def start(folder: Path, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "minibento.cli", *arguments],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "MINIBENTO_HOME": str(folder / "home"),
            **environment,
        },
    )


@contextmanager
def running(
    folder: Path, *arguments: str, **environment: str
) -> "Iterator[tuple[subprocess.Popen[str], int, str]]":
    """A server that is ready."""
    process = start(folder, "serve", "--port", "0", *arguments, **environment)
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        while line and not line.startswith("ready: "):
            line = process.stderr.readline()
        assert line, "it ended before it was ready"
        yield process, int(line.split("127.0.0.1:")[1].split(",")[0]), line
    finally:
        process.kill()
        process.communicate()


def said(process: "subprocess.Popen[str]", text: str) -> None:
    """Read until the service has printed a line; the server's log is read over."""
    assert process.stdout is not None
    for line in process.stdout:
        if line == f"{text}\n":
            return
    raise AssertionError(f"it has not printed {text!r}")


def post(
    port: int, path: str, body: object, more: Mapping[str, str] | None = None
) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"content-type": "application/json", **(more or {})}
    data = None if body is None else json.dumps(body)
    connection.request("POST", path, data, headers)
    answer = connection.getresponse()
    try:
        return answer.status, answer.read()
    finally:
        connection.close()


def failed(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, float]:
    begun = time.monotonic()
    process = start(folder, *arguments, **environment)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors, time.monotonic() - begun


def test_it_answers_and_its_ready_line_has_the_addresses(app: Path) -> None:
    with running(app) as (_, port, line):
        assert (
            f"Counter on http://127.0.0.1:{port}, documented on http://127.0.0.1:{port}/docs"
            in line
        )
        assert post(port, "/count", "two words") == (200, b"2")


def test_each_request_is_one_line_of_the_access_log(app: Path) -> None:
    with running(app) as (process, port, _):
        post(port, "/count", "two words")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    (line,) = [json.loads(one) for one in output.splitlines() if '"count"' in one]
    assert line["status"] == 200


def test_without_an_access_log_nothing_is_printed_for_a_request(app: Path) -> None:
    with running(app, "--no-access-log") as (process, port, _):
        post(port, "/count", "two words")
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert "goodbye\n" in output
    assert "/count" not in output
    assert '"api"' not in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_request_under_way(app: Path, number: signal.Signals) -> None:
    answers: list[tuple[int, bytes]] = []
    with running(app) as (process, port, _):
        asking = threading.Thread(target=lambda: answers.append(post(port, "/slow", 0.5)))
        asking.start()
        said(process, "slow began")
        process.send_signal(number)
        asking.join(20)
        output, errors = process.communicate(timeout=20)
    assert answers == [(200, b'"done"')]
    assert process.returncode == 0
    assert "goodbye" in output
    assert "Traceback" not in errors


def test_a_second_ctrl_c_does_not_wait(app: Path) -> None:
    with running(app) as (process, port, _):
        asking = threading.Thread(target=lambda: _ask_and_be_cut_off(port))
        asking.start()
        said(process, "slow began")
        process.send_signal(signal.SIGINT)
        _until_refused(port)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
        asking.join(20)
    assert process.returncode == 0
    assert "Traceback" not in errors


NEVER = ["/never", "/never_in_thread", "/never_in_runner"]


@pytest.mark.parametrize("path", ["/never", "/never_in_runner"])
def test_what_never_ends_does_not_keep_it_once_its_request_is_answered(
    app: Path, path: str
) -> None:
    with running(app) as (process, port, _):
        assert post(port, path, None, {"minibento-timeout": "0.2"})[0] == 504
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "goodbye" in output
    assert "Traceback" not in errors


@pytest.mark.parametrize("path", NEVER)
def test_a_second_ctrl_c_leaves_what_never_ends_behind(app: Path, path: str) -> None:
    with running(app) as (process, port, _):
        asking = threading.Thread(target=lambda: _ask_and_be_cut_off(port, path, None))
        asking.start()
        said(process, "never began")
        process.send_signal(signal.SIGINT)
        _until_refused(port)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=20)
        asking.join(20)
    assert process.returncode == 0
    assert "goodbye" in output
    assert "Traceback" not in errors


def test_a_second_ctrl_c_ends_a_hook_that_blocks(app: Path) -> None:
    blocking = SERVICE.replace('print("goodbye", flush=True)', NEVER_ENDING_HOOK)
    (app / "service.py").write_text(blocking)
    with running(app) as (process, _, _):
        process.send_signal(signal.SIGINT)
        said(process, "goodbye")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 0


def test_it_leaves_a_thread_that_never_ends_behind_after_its_grace(app: Path) -> None:
    with running(app, "--set", "grace=1") as (process, port, _):
        assert post(port, "/never_in_thread", None, {"minibento-timeout": "0.2"})[0] == 504
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "goodbye" in output


def test_a_port_in_use_is_one_line_and_exit_code_1_within_2_seconds(app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, errors, seconds = failed(app, "serve", "--port", str(port))
    assert code == 1
    assert errors.count("\n") == 1
    assert f"port {port} on 127.0.0.1 is in use" in errors
    assert seconds < 2


def test_of_two_that_start_at_once_one_says_that_the_port_is_taken(app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
    processes = [start(app, "serve", "--port", port) for _ in range(2)]
    try:
        assert _ended(processes) == 1
        loser = next(one for one in processes if one.poll() is not None)
        _, errors = loser.communicate(timeout=20)
        assert f"port {port} on 127.0.0.1 is in use" in errors
        assert "Traceback" not in errors
    finally:
        for process in processes:
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["serve", "--host", "exa mple"], 1, "'exa mple' is not known here"),
        (["serve", "--host", "192.0.2.1"], 1, "has no address 192.0.2.1"),
        (["serve", "--port", "99999"], 2, "99999"),
        (["serve", "nosuch.py", "--port", "0"], 1, "nosuch.py"),
    ],
)
def test_a_wrong_start_is_refused_within_2_seconds(
    app: Path, arguments: list[str], code: int, said: str
) -> None:
    ended, errors, seconds = failed(app, *arguments)
    assert ended == code
    assert said in errors
    assert "Traceback" not in errors
    assert seconds < 2


def test_a_start_in_a_folder_that_was_removed_is_one_line(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    done = subprocess.run(
        [
            "sh",
            "-c",
            'rmdir ../gone && exec "$@"',
            "sh",
            sys.executable,
            "-m",
            "minibento.cli",
            "serve",
        ],
        cwd=gone,
        check=False,
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.returncode == 1
    assert done.stderr == "Error: the current folder has been removed: cd to one that is there\n"


def test_host_and_port_come_from_the_environment(app: Path) -> None:
    _, errors, _ = failed(app, "serve", MINIBENTO_HOST="192.0.2.1", MINIBENTO_PORT="4567")
    assert "192.0.2.1" in errors
    assert failed(app, "serve", MINIBENTO_PORT="many")[0] == 1


def test_an_open_address_is_warned_of(app: Path) -> None:
    process = start(app, "serve", "--host", "0.0.0.0", "--port", "0")
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("warning: 0.0.0.0 is reachable")
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("    def __init__(self):\n        raise KeyError('no key')\n", "KeyError: 'no key'"),
        (
            "    @minibento.on_startup\n    def up(self):\n        open('/nosuch')\n",
            "FileNotFoundError",
        ),
    ],
)
def test_a_service_that_does_not_start_is_told_with_its_traceback_and_the_place(
    app: Path, text: str, said: str
) -> None:
    source = SERVICE.replace("class Counter:\n", f"class Counter:\n{text}")
    (app / "service.py").write_text(source)
    line = 1 + next(
        i for i, one in enumerate(source.splitlines()) if "raise" in one or "/nosuch" in one
    )
    code, errors, _ = failed(app, "serve", "--port", "0")
    assert code == 1
    assert errors.count("Traceback") == 1
    assert "processes" not in errors
    last = errors.splitlines()[-1]
    assert last.startswith(f"Error: Counter did not start: service.py:{line}: {said}")


def test_debug_shows_the_users_traceback(app: Path) -> None:
    (app / "service.py").write_text("1 / 0\n")
    code, errors, _ = failed(app, "--debug", "serve", "--port", "0")
    assert code == 1
    assert "Traceback" in errors
    assert "ZeroDivisionError" in errors


def test_the_ready_line_has_the_exact_versions_of_the_models(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import minibento\n"
        "def shout(text):\n    return text.upper()\n"
        "print(minibento.picklable_model.save_model('shout', shout))\n"
    )
    train = subprocess.run(
        [sys.executable, "train.py"],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "MINIBENTO_HOME": str(tmp_path / "home"),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    (tmp_path / "service.py").write_text(
        "import minibento\n"
        "@minibento.service\n"
        "class Shouting:\n"
        "    model = minibento.models.get('shout').to_runner()\n"
        "    @minibento.api\n"
        "    async def shout(self, text: str) -> str:\n"
        "        return await self.model(text)\n"
    )
    with running(tmp_path) as (_, port, line):
        assert f"model is {train.stdout.strip()}" in line
        assert post(port, "/shout", "hey") == (200, b'"HEY"')


def _ask_and_be_cut_off(port: int, path: str = "/slow", body: object = 30) -> None:
    with pytest.raises((OSError, ConnectionError)):
        _raise_unless_answered(lambda: post(port, path, body))


def _until_refused(port: int) -> None:
    """Return once the server takes no new connection: it has seen the first signal."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            # Whoever tries while the queue is emptied hears of it at the second try, after 1 s.
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        except (ConnectionResetError, TimeoutError):  # nobody new is let in, it is not closed yet
            continue
    raise AssertionError("the server still takes connections")


def _raise_unless_answered(ask: Callable[[], tuple[int, bytes]]) -> None:
    status, _ = ask()
    raise ConnectionError(status)


def _ended(processes: "list[subprocess.Popen[str]]") -> int:
    until = time.monotonic() + 20
    while not any(one.poll() is not None for one in processes) and time.monotonic() < until:
        try:
            processes[0].wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    return sum(one.poll() is not None for one in processes)
