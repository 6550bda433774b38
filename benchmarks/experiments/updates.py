"""Updates of a model and ways back by reload, while requests come on their own."""

import asyncio
import os
import pickle
import shutil
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import uvloop

from benchmarks.contestants import served
from benchmarks.failures import MeasurementFailed
from benchmarks.field import running
from benchmarks.openloop.arrivals import arrivals
from benchmarks.openloop.connection import encode
from benchmarks.openloop.load import Outcome, offer
from benchmarks.openloop.summary import percentile
from benchmarks.report import Goal, Report
from benchmarks.server import Server
from benchmarks.settings import Settings
from benchmarks.workload import Workload, paired
from benchmarks.workplace import ROOT, Workplace

__all__ = ["run"]

NAME = "Pairs"
RATE = 300
TURNS = 40
SECONDS_PER_TURN = 3.0
# A try-out runs on a machine that may be busy.
QUICK_SECONDS_PER_TURN = 10.0
COLUMNS = (
    *("reloads", "requests", "failed", "of the first", "of the second", "of neither"),
    *("switch ms, median", "largest", "p50 ms", "p99 ms", "largest ms", "generator late ms"),
)


class _Found(NamedTuple):
    outcomes: Sequence[Outcome]
    switches: Sequence[float]


def run(settings: Settings) -> list[Report]:
    """Half of the reloads are updates (`models alias`), half ways back (`--rollback`)."""
    quick = settings.rounds == 1
    turns, pace = (2, QUICK_SECONDS_PER_TURN) if quick else (TURNS, SECONDS_PER_TURN)
    place = settings.place
    tags, models = _versions(place)
    rights = [paired(place.rows, model) for model in models]
    environment = {**place.environment("light"), "BENCH_TAG": "light:production"}
    asyncio.run(_command(environment, "models", "alias", tags[0], "production"))
    contestant = served(NAME, "minibento_pairs:Pairs", rights[0], environment)
    found: list[_Found] = []
    failures: dict[str, str] = {}
    with running([contestant], place.directory) as field:
        for server in field.servers.values():
            try:
                with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                    found.append(runner.run(_updated(server, tags[1], turns, pace)))
            except MeasurementFailed as failure:
                failures[NAME] = str(failure)
    return [_report(found, rights, {**field.failures, **failures})]


def _versions(place: Workplace) -> tuple[list[str], list[Any]]:
    """Tags and models of two versions: the light model, and one that is regularised far more."""
    from sklearn.base import clone

    from benchmarks import credit_data

    first = place.models["light"]
    second = clone(first).set_params(logisticregression__C=0.001).fit(*credit_data.load())
    aside = place.directory / "second"
    aside.mkdir()
    shutil.copy(place.directory / "rows.json", aside)
    (aside / "light.pkl").write_bytes(pickle.dumps(second, protocol=5))
    paths = (place.directory / "light.pkl", aside / "light.pkl")
    return [place.save_pickle(path) for path in paths], [first, second]


async def _updated(server: Server, second: str, turns: int, pace: float) -> _Found:
    workload = server.contestant.workload
    requests = [encode(workload.path, body) for body in workload.bodies]
    due = arrivals("constant", RATE, turns * pace)
    changing = asyncio.ensure_future(_change(server.contestant.environment, second, turns, pace))
    outcomes = await offer(server.port, requests, due, grace=20.0, keep_bodies=True)
    return _Found(outcomes, await changing)


async def _change(
    environment: Mapping[str, str], second: str, turns: int, pace: float
) -> list[float]:
    """Update and go back in turn; the seconds that each reload took."""
    began = time.monotonic()
    switches: list[float] = []
    for turn in range(turns):
        await asyncio.sleep(max(0.0, began + turn * pace - time.monotonic()))
        if turn % 2 == 0:
            await _command(environment, "models", "alias", second, "production")
        else:
            await _command(environment, "models", "alias", "light", "production", "--rollback")
        start = time.monotonic()
        await _command(environment, "reload", NAME)
        now = time.monotonic()
        if now - began > turns * pace:
            raise MeasurementFailed(f"only {turn} of {turns} reloads were done under load")
        switches.append(now - start)
    return switches


async def _command(environment: Mapping[str, str], *arguments: str) -> None:
    """`minibento` with these arguments."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "minibento.cli", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise MeasurementFailed(f"{' '.join(arguments)}: {said.decode(errors='replace')[-300:]}")


def _report(
    found: Sequence[_Found], rights: Sequence[Workload], failures: Mapping[str, str]
) -> Report:
    title = "Updates and ways back under load"
    setting = (
        f"Light model, asked twice in each request; {RATE} requests/s, evenly spaced; a reload "
        f"every {SECONDS_PER_TURN:g} s. Every answer is held against those of both versions. "
        "`switch`: how long `minibento reload` takes, a Python process of its own."
    )
    if not found:
        return Report(title, setting, COLUMNS, [["-"] * len(COLUMNS)], (), failures)
    [(outcomes, switches)] = found
    versions = [_version(outcome, index, rights) for index, outcome in enumerate(outcomes)]
    failed = sum(outcome.status != 200 for outcome in outcomes)
    neither = versions.count(len(rights)) - failed
    waited = [outcome.done - outcome.due for outcome in outcomes]
    late = [outcome.taken_up - outcome.due for outcome in outcomes]
    cells = [
        *(str(len(switches)), f"{len(outcomes):,}", str(failed)),
        *(f"{versions.count(0):,}", f"{versions.count(1):,}", str(neither)),
        *(f"{statistics.median(switches) * 1e3:.0f}", f"{max(switches) * 1e3:.0f}"),
        *(f"{percentile(waited, share) * 1e3:.1f}" for share in (0.5, 0.99, 1.0)),
        f"{percentile(late, 0.99) * 1e3:.1f}",
    ]
    goals = [
        Goal("failed requests", failed, at_most=0),
        Goal("answers that are of neither version", neither, at_most=0),
        Goal("requests", len(outcomes), at_least=30_000),
    ]
    return Report(title, setting, COLUMNS, [cells], goals, failures)


def _version(outcome: Outcome, index: int, rights: Sequence[Workload]) -> int:
    """Whose answer it is; as many as there are: nobody's."""
    for number, right in enumerate(rights):
        try:
            right.check(index % len(right.bodies), outcome.status, outcome.body)
        except MeasurementFailed:
            continue
        return number
    return len(rights)
