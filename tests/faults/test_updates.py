"""New versions and ways back under load: nobody notices but by the answer.

Each answer asks the model twice, so that one of two versions would show. Faults O9, O10, O11, O13,
O14.
"""

import asyncio
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from tests.crashing import report
from tests.faults.afterwards import under_fire
from tests.processes.launching import until
from tests.processes.serving import Running, running

ROOT = Path(__file__).parents[2]
# A second; for so many seconds with the same connections.
RATE, SPELL = 300, 3.0
# Of the load. After a reload each that is idle may, for so long, bring one last request to the old.
CONNECTIONS, LINGER = 64, 5.5

SERVICE = """
import minibento

@minibento.service(name="Naming")
class Naming:
    model = minibento.models.get("named:production").to_runner()

    @minibento.api
    async def both(self, number: int) -> list[list[object]]:
        return [await self.model.predict(number), await self.model.predict(number)]
"""

# What a version does instead, when it is loaded or when it answers, stands beside the service; not
# where it is tried when it is saved.
TRAIN = """
import sys
import minibento

class Model:
    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return made, (self.name,)

    def predict(self, numbers):
        answers = [[self.name, number] for number in numbers]
        if doing := todo(f"{self.name}.answering"):
            found = {"answers": answers}
            exec(doing, found)
            answers = found["answers"]
        return answers

def made(name):
    exec(todo(f"{name}.loading"))
    return Model(name)

def todo(name):
    from pathlib import Path
    return Path(name).read_text() if Path(name).exists() else ""

for name in sys.argv[1:]:
    minibento.picklable_model.save_model(
        "named",
        Model(name),
        version=name,
        signatures={"predict": {"batchable": True}},
        example_input=[1, 2],
    )
minibento.models.alias("named:old", "production")
"""


def command(folder: Path, *arguments: str, run: str = "") -> "subprocess.CompletedProcess[str]":
    variables = {"MINIBENTO_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd="/",
        env={**os.environ, **variables, "MINIBENTO_RUN_DIR": run or str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def alias(folder: Path, *arguments: str) -> None:
    done = command(folder, "-m", "minibento.cli", "models", "alias", *arguments)
    assert done.returncode == 0, done.stderr


def reload(folder: Path, server: Running) -> "subprocess.CompletedProcess[str]":
    """`minibento reload`, a process of its own."""
    return command(
        folder, "-m", "minibento.cli", "reload", "Naming", run=str(server.directory.parent)
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("updates")
    (folder / "service.py").write_text(SERVICE)
    done = command(folder, "-c", TRAIN, "old", "new", "bad")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "here"))


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    with under_fire(folder, MINIBENTO_START_TIMEOUT="3") as found:
        yield found


class Load:
    """Requests that come on their own until the end of a block, and what became of them.

    Attributes:
        outcomes: Each with its number; moments in monotonic seconds.
    """

    def __init__(self, server: Running, spell: float = SPELL) -> None:
        port = httpx2.URL(server.server.url).port
        assert port is not None
        self.outcomes: list[tuple[int, Outcome]] = []
        self._port, self._spell = port, spell
        self._stop = threading.Event()

    @contextmanager
    def offered(self) -> Iterator["Load"]:
        thread = threading.Thread(target=self._offer)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(60)
        assert len(self.outcomes) >= RATE * self._spell

    def _offer(self) -> None:
        due = arrivals("constant", RATE, self._spell)
        requests = [encode("/both", b"%d" % number) for number in range(len(due))]
        while not self._stop.is_set():
            # The schedule starts a moment later: what is due by it is surely due.
            base = time.monotonic()
            for number, one in enumerate(
                asyncio.run(offer(self._port, requests, due, keep_bodies=True))
            ):
                one.due, one.done = base + one.due, base + one.done
                self.outcomes.append((number, one))

    def versions(self) -> list[str]:
        """Whose answer each is; AssertionError if one failed, is of two versions or another's."""
        names = []
        for number, outcome in self.outcomes:
            assert outcome.status == 200, (number, outcome)
            (first, one), (second, other) = json.loads(outcome.body)
            assert (one, other) == (number, number), "an answer of another request"
            assert first == second, "an answer of two versions"
            names.append(first)
        return names

    def check(self, switches: Sequence[tuple[float, float, str]]) -> int:
        """Nobody gets a version before it is asked for, nor the old one much longer.

        An idle connection may bring one last request to the old processes (see `late`, returned).
        """
        answers = [
            (version, one) for version, (_, one) in zip(self.versions(), self.outcomes, strict=True)
        ]
        end = (math.inf, math.inf, "")
        moments = [(-math.inf, -math.inf, "old"), *switches, end, end]
        late = 0
        for before, this, after in zip(moments, moments[1:], moments[2:], strict=False):
            was, name = before[2], this[2]
            for version, one in answers:
                if one.due > before[1] and one.done < this[0]:
                    assert version == was or one.due < before[1] + LINGER, (one, was)
                if one.due > this[1] and one.done < after[0]:
                    late += version != name
        assert late <= CONNECTIONS * len(switches), late
        assert {version for version, _ in answers} >= {name for _, _, name in switches}
        return late


def version_of(server: Running) -> str:
    """Who answers on a new connection."""
    answer = httpx2.post(f"{server.server.url}/both", json=1, timeout=20)
    assert answer.status_code == 200, answer.text
    return str(answer.json()[0][0])


@pytest.mark.parametrize(
    ("turns", "pace"),
    [
        pytest.param(2, 0.5, id="once"),
        pytest.param(
            40, 2.0, id="twenty times", marks=[pytest.mark.slow, pytest.mark.timeout(300)]
        ),
    ],
)
def test_a_new_version_and_the_way_back_under_load_fail_nobody(
    folder: Path, server: Running, turns: int, pace: float, request: pytest.FixtureRequest
) -> None:
    load, switches = Load(server), list[tuple[float, float, str]]()
    with load.offered():
        for turn in range(turns):
            threading.Event().wait(pace)  # some of the old version's answers
            asked = time.monotonic()
            if turn % 2 == 0:
                alias(folder, "named:new", "production")
            else:
                alias(folder, "named", "production", "--rollback")
            done = reload(folder, server)
            assert done.returncode == 0, done.stderr
            switches.append((asked, time.monotonic(), ("new", "old")[turn % 2]))
            assert {version_of(server) for _ in range(8)} == {switches[-1][2]}
    took = [done - asked for asked, done, _ in switches]
    report(
        request,
        f"{len(load.outcomes)} requests, {load.check(switches)} late, "
        f"{len(switches)} switches of {max(took):.2f} s at most",
    )


BAD = {
    "raises": ("loading", "raise ValueError('the weights are gone')", "the weights are gone"),
    "hangs": ("loading", "import time; time.sleep(600)", "was not loaded within 3 s"),
    "needs more memory than there is": (
        "loading",
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (1 << 30,) * 2)\nbytes(1 << 31)",
        "MemoryError",
    ),
    "is killed for its memory": ("loading", "import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    "answers in another shape": (
        "answering",
        "answers = [{'name': name} for name, _ in answers]",
        "example",
    ),
    "answers NaN": ("answering", "answers = [[n, float('nan')] for n, _ in answers]", "example"),
    "answers too few": ("answering", "answers = answers[:1]", "example"),
    "raises on its example": ("answering", "1 / 0", "ZeroDivisionError"),
    "has lost a file": ("model.pkl", "", "model.pkl"),
    "has other bytes": ("model.pkl", "other", "model.pkl"),
}
QUICK = ["raises", "answers NaN", "is killed for its memory", "has other bytes"]


def spoil(folder: Path, where: str, what: str) -> None:
    """Make the version `bad` bad."""
    if where != "model.pkl":
        (folder / f"bad.{where}").write_text(what)
        return
    path = folder / "home" / "models" / "named" / "bad" / "model.pkl"
    data = path.read_bytes()
    path.rename(folder / "kept.pkl")
    if what:
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


def mend(folder: Path) -> None:
    for name in ("bad.loading", "bad.answering"):
        (folder / name).unlink(missing_ok=True)
    if (folder / "kept.pkl").exists():
        path = folder / "home" / "models" / "named" / "bad" / "model.pkl"
        path.unlink(missing_ok=True)
        (folder / "kept.pkl").rename(path)


@pytest.mark.parametrize(
    "kinds",
    [
        pytest.param(QUICK, id="some"),
        pytest.param(list(BAD), id="all", marks=pytest.mark.slow),
    ],
)
def test_a_bad_new_version_is_refused_under_load_and_serves_nobody(
    folder: Path, server: Running, kinds: list[str]
) -> None:
    load = Load(server)
    with load.offered():
        alias(folder, "named:bad", "production")
        for kind in kinds:
            where, what, said = BAD[kind]
            spoil(folder, where, what)
            done = reload(folder, server)
            assert done.returncode == 1, (kind, done)
            assert done.stdout == ""
            assert "is not reloaded and goes on as it was" in done.stderr, (kind, done)
            assert said in done.stderr, (kind, done)
            mend(folder)
        asked = time.monotonic()
        # The negative control: as it was saved it is taken.
        assert reload(folder, server).returncode == 0
        switch = (asked, time.monotonic(), "bad")
    load.check([switch])


def final(server: Running) -> tuple[int, str]:
    """Generation and version that answer now; the last line of the log that says so agrees."""
    number = server.status()["generation"]
    names = {version_of(server) for _ in range(8)}
    assert len(names) == 1, names
    said = f"generation {number} has taken over"
    until(lambda: said in server.server.output)
    lines = [line for line in server.server.lines if said in line]
    assert f"named:{min(names)}" in lines[-1], (names, lines)
    assert {one["state"] for one in server.status()["processes"]}.isdisjoint({"dead"})
    return number, min(names)


def check_serialised(
    folder: Path, server: Running, answers: Sequence[dict[str, Any]], generation: int
) -> None:
    """O13: both were done, one after the other, and what the last one found serves everywhere."""
    assert [answer["ok"] for answer in answers] == [True, True]
    now, version = final(server)
    assert now == generation
    # The one that came last has seen the store as both had left it.
    stands = command(folder, "-c", STANDS).stdout.strip()
    last = max(answers, key=lambda answer: int(answer["generation"]))
    assert last["versions"] == {"model": f"named:{version}"} == {"model": stands}


@pytest.mark.parametrize(
    "rounds",
    [
        3,
        pytest.param(50, id="fifty", marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    ],
)
def test_two_at_once_end_in_one_of_both(folder: Path, server: Running, rounds: int) -> None:
    def forward(barrier: threading.Barrier) -> Any:
        barrier.wait()
        alias(folder, "named:new", "production")
        return server.reload()

    def back(barrier: threading.Barrier) -> Any:
        barrier.wait()
        alias(folder, "named:old", "production")
        return server.reload()

    load = Load(server)
    with load.offered(), ThreadPoolExecutor(2) as threads:
        for number in range(rounds):
            barrier = threading.Barrier(2)
            pair = (forward, back) if number % 2 else (forward, forward)
            answers = [one.result() for one in [threads.submit(do, barrier) for do in pair]]
            check_serialised(folder, server, answers, 3 + 2 * number)
    assert set(load.versions()) <= {"old", "new"}


STANDS = 'import minibento; print(minibento.models.get("named:production").tag)'


def test_the_detector_sees_a_reload_that_is_lost_and_one_that_came_before_the_alias(
    folder: Path, server: Running
) -> None:
    """The negative control of O13."""
    answers = [server.reload(), server.reload()]
    check_serialised(folder, server, answers, 3)
    with pytest.raises(AssertionError, match="3 == 5"):
        check_serialised(folder, server, answers, 5)
    alias(folder, "named:new", "production")
    with pytest.raises(AssertionError, match="named:new"):
        check_serialised(folder, server, answers, 3)


def until_generation(server: Running, number: int) -> None:
    server.until(lambda status: bool(status["generation"] == number))


@pytest.mark.parametrize(
    "times",
    [
        pytest.param(3, id="some"),
        pytest.param(20, id="twenty", marks=pytest.mark.slow),
    ],
)
def test_a_hang_up_under_load_fails_nobody(folder: Path, server: Running, times: int) -> None:
    load = Load(server)
    with load.offered():
        for number in range(times):
            os.kill(server.server.pid, signal.SIGHUP)
            until_generation(server, number + 2)
    assert set(load.versions()) == {"old"}


def test_the_detector_sees_a_server_that_is_ended_and_started_instead(server: Running) -> None:
    """The negative control of O9, O10 and O14: workers that do not wait for their successors."""
    load = Load(server, 1.0)
    with load.offered():
        threading.Event().wait(0.3)  # some of them are under way
        for pid in server.pids("api-worker"):
            os.kill(pid, signal.SIGKILL)
    with pytest.raises(AssertionError, match="status=0"):
        load.versions()


def test_the_detector_sees_a_server_of_two_versions(folder: Path) -> None:
    """The negative control of O9 and O10: one API method that asks both."""
    both = """
    model = minibento.models.get("named:old").to_runner()
    other = minibento.models.get("named:new").to_runner()
"""
    one = '    model = minibento.models.get("named:production").to_runner()\n'
    text = SERVICE.replace(one, both).replace("), await self.model", "), await self.other")
    (folder / "service.py").write_text(text)
    with running(folder, MINIBENTO_ACCESS_LOG="false") as server:
        load = Load(server, 1.0)
        with load.offered():
            pass
    with pytest.raises(AssertionError, match="an answer of two versions"):
        load.versions()


Cases = list[tuple[int, float, bytes, list[tuple[float, float, str]]]]
GOOD = b'[["old", 0], ["old", 0]]'
NEW = b'[["new", 0], ["new", 0]]'
SWITCH = (1.0, 2.0, "new")
FOUND: Cases = [
    (503, 0.1, GOOD, []),
    (200, 0.1, b'[["old", 0], ["new", 0]]', []),
    (200, 0.1, b'[["old", 1], ["old", 1]]', []),
    (200, 0.1, NEW, [SWITCH]),
    (200, 9.0, GOOD, [SWITCH]),
    (200, 9.0, NEW, [SWITCH, (3.0, 3.1, "old"), (20.0, 20.1, "new")]),
]


def test_the_detector_sees_a_failure_and_a_version_too_early_or_too_late(server: Running) -> None:
    load = Load(server)
    load.outcomes = [(0, Outcome(0.1, 0.1, 0.2, 200, GOOD)), (0, Outcome(9, 9, 9.1, 200, NEW))]
    assert load.check([SWITCH]) == 0
    for status, due, body, switches in FOUND:
        load.outcomes = [(0, Outcome(due, due, due + 0.1, status, body))]
        with pytest.raises(AssertionError):
            load.check(switches)
    many = [(0, Outcome(2.1, 2.1, 2.2, 200, GOOD))] * (CONNECTIONS + 1)
    load.outcomes = [*many, (0, Outcome(9, 9, 9.1, 200, NEW))]
    with pytest.raises(AssertionError):
        load.check([SWITCH])
