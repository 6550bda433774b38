"""A good row's answer is the one it gets alone, whatever its batch-mates are; nothing leaks."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from minibento.call import Call, current_call
from minibento.errors import DeadlineExceeded, ItemError, MinibentoError, ModelError
from minibento.metrics import Metrics
from minibento.runners.engine import EmbeddedEngine
from minibento.runners.method import method
from minibento.runners.runner import Runner

HOMES = ["owner", "rent", "parents"]
BATCHES = 1000


def applications(count: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, count),
            "income": rng.normal(1500, 400, count).round(2),
            "home": pd.Categorical(rng.choice(HOMES, count), categories=HOMES),
            "records": rng.random(count) > 0.5,
        }
    )


class Credit:
    """A pipeline on frames, a linear model on arrays, plain code on lists."""

    def __init__(self) -> None:
        frame = applications(300)
        good = frame["income"] + 10 * frame["age"] > 1900
        columns = ColumnTransformer(
            [
                ("numbers", StandardScaler(), ["age", "income"]),
                ("kinds", OneHotEncoder(), ["home"]),
            ],
            remainder="passthrough",
        )
        self._pipeline = Pipeline([("columns", columns), ("model", LogisticRegression())])
        self._pipeline.fit(frame, good)
        self._linear = LogisticRegression().fit(frame[["age", "income"]].to_numpy(), good)

    @method(batchable=True, example=applications(2))
    def frame(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        return self._pipeline.predict_proba(frame)  # type: ignore[no-any-return]

    @method(batchable=True, example=np.zeros((1, 2)))
    def array(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return self._linear.predict_proba(rows)  # type: ignore[no-any-return]

    @method(batchable=True)
    def listed(self, items: list[dict[str, Any]]) -> list[float]:
        return [item["age"] / item["income"] for item in items]


def frame_row(chance: random.Random) -> dict[str, Any]:
    return {
        "age": chance.randint(18, 80),
        "income": round(chance.gauss(1500, 400), 2) if chance.random() > 0.2 else 1500,
        "home": chance.choice(HOMES),
        "records": chance.random() > 0.5,
    }


def spoil_frame(row: dict[str, Any], chance: random.Random) -> Any:
    name = chance.choice(list(row))
    bad: Callable[[], Any] = chance.choice(
        [
            lambda: {key: value for key, value in row.items() if key != name},
            lambda: row | {"more": 1},
            lambda: row | {"age": None},
            lambda: row | {"age": 2.5},
            lambda: row | {"age": 10**30},
            lambda: row | {"income": "much"},
            lambda: row | {"income": None},  # a missing number: the model itself refuses it
            lambda: row | {"home": "tent"},
            lambda: row | {"records": None},
            lambda: [1, 2, 3, 4],
        ]
    )
    return bad()


def spoil_array(row: Any, chance: random.Random) -> Any:
    return chance.choice([[1], [1, 2, 3], ["a", 1], [None, 1], [[1, 2]], None, [1, 10**400], "x"])


def spoil_listed(row: Any, chance: random.Random) -> Any:
    return chance.choice([{}, {"age": "x", "income": 1}, {"age": 1, "income": 0}, 5, None])


KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "frame": (frame_row, spoil_frame),
    "array": (lambda chance: [chance.randint(18, 80), chance.gauss(1500, 400)], spoil_array),
    "listed": (frame_row, spoil_listed),
}


class Strange:
    """Its exceptions are proxies of what they do not have, and its results do not stack."""

    class Proxy(Exception):
        def __getattr__(self, name: str) -> Any:
            raise KeyError(name)

    class Odd(np.ndarray[Any, Any]):
        def __getattribute__(self, name: str) -> Any:
            if name == "shape":
                raise RuntimeError("no shape")
            return super().__getattribute__(name)

    @method(batchable=True)
    def answer(self, items: list[Any]) -> list[Any]:
        return [self.Proxy("bad") if item == "bad" else item for item in items]

    @method(batchable=True)
    def odd(self, items: list[Any]) -> list[Any]:
        return [np.zeros(2).view(self.Odd) for _ in items]


def test_what_cannot_be_told_of_an_item_or_joined_is_its_own_callers_error_alone() -> None:
    async def main() -> None:
        runner = Runner(Strange)
        good = [runner.answer(number) for number in range(5)]
        found = await asyncio.gather(*good, runner.answer("bad"), return_exceptions=True)
        assert found[:5] == list(range(5))
        assert str(found[5]).endswith("answer: Proxy: bad")
        joined = await asyncio.gather(
            runner.odd.batch([1, 2]), runner.answer(7), return_exceptions=True
        )
        assert (type(joined[0]), joined[1]) == (ModelError, 7)
        await runner.stop()

    asyncio.run(asyncio.wait_for(main(), 20))


@pytest.mark.parametrize("kind", KINDS)
def test_in_1000_random_batches_with_bad_rows_every_good_row_answers_as_alone(kind: str) -> None:
    """Case F9."""
    make, spoil = KINDS[kind]
    chance = random.Random(7)

    async def main() -> None:
        runner = Runner(Credit)
        await runner.start()
        handle = getattr(runner, kind)
        pool = [make(chance) for _ in range(40)]
        alone = [await handle(row) for row in pool]
        bad_rows = 0
        for number in range(BATCHES):
            places = [chance.randrange(len(pool)) for _ in range(chance.randint(1, 12))]
            bad = {n for n in range(len(places)) if chance.random() < 0.15}
            rows = [spoil(pool[p], chance) if n in bad else pool[p] for n, p in enumerate(places)]
            if number % 2:
                found = await handle.batch(rows, return_errors=True)
            else:
                found = await asyncio.gather(*map(handle, rows), return_exceptions=True)
            for n, answer in enumerate(found):
                if n in bad:
                    assert isinstance(answer, ItemError | ModelError), (rows[n], answer)
                    bad_rows += 1
                else:
                    np.testing.assert_allclose(answer, alone[places[n]], rtol=1e-12)
        assert bad_rows > BATCHES / 4
        await runner.stop()

    asyncio.run(main())


def test_the_dtypes_that_the_model_sees_never_depend_on_the_mates() -> None:
    seen: list[list[str]] = []

    class Looking:
        @method(batchable=True, example=applications(2))
        def frame(self, frame: pd.DataFrame) -> list[int]:
            seen.append([str(dtype) for dtype in frame.dtypes])
            return [0] * len(frame)

    whole = {"age": 30, "income": 1500, "home": "rent", "records": True}
    holes = whole | {"income": None, "home": None, "age": 31.0}
    with Runner(Looking) as runner:
        for rows in ([whole], [holes], [whole, holes], [whole] * 5):
            runner.frame.run_batch(rows)
    assert len({tuple(dtypes) for dtypes in seen}) == 1


class Mixed:
    """Good, bad and slow answers."""

    @method(batchable=True)
    def double(self, items: list[Any]) -> list[Any]:
        return [item * 2 if item >= 0 else ItemError("negative") for item in items]

    @method(batchable=True)
    def moody(self, items: list[Any]) -> list[Any]:
        if any(item % 7 == 0 for item in items):
            raise ValueError("seven")
        return items

    @method
    def single(self, item: int) -> int:
        return item


def test_20000_mixed_calls_leave_nothing_behind_and_cross_no_answers() -> None:
    """Cases F12, F19."""
    chance = random.Random(3)

    async def one(runner: Runner, number: int) -> None:
        current_call.set(Call(str(number), deadline_of(chance)))
        name = chance.choice(["double", "double", "double", "moody", "single"])
        sent = -number if chance.random() < 0.1 else number
        answer = await getattr(runner, name)(sent)
        assert answer == (sent * 2 if name == "double" else sent)

    async def main() -> None:
        metrics = Metrics()
        runner = Runner(Mixed, max_queue=600)
        await runner.start(metrics)
        kinds: dict[str, int] = {}
        for start in range(0, 20_000, 500):
            calls = [asyncio.create_task(one(runner, n)) for n in range(start, start + 500)]
            await asyncio.sleep(0)
            for call in chance.sample(calls, 50):
                call.cancel()
            for answer in await asyncio.gather(*calls, return_exceptions=True):
                kinds[type(answer).__name__] = kinds.get(type(answer).__name__, 0) + 1
                known = MinibentoError | asyncio.CancelledError | None
                assert isinstance(answer, known), repr(answer)
        assert {"NoneType", "ItemError", "ModelError", "CancelledError"} <= set(kinds)
        assert DeadlineExceeded.__name__ in kinds
        engine = runner.engine()
        assert isinstance(engine, EmbeddedEngine)
        await engine._worker._batcher.drained()
        assert not engine.client.under_way()
        [connection] = engine._worker._connections
        assert not connection._entries
        assert not connection._streams
        for prepared in engine._worker._methods.values():
            assert len(prepared.queue) == len(prepared.queue._entries) == 0
        [length] = [m for m in metrics if m.name == "minibento_queue_length"]
        assert length.value("Mixed", "").number == 0
        await runner.stop()

    asyncio.run(main())


def deadline_of(chance: random.Random) -> float | None:
    """None, ample, or passed already."""
    left = chance.choice([None, 60.0, 60.0, -0.001])
    return None if left is None else time.monotonic() + left
