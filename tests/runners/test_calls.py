"""One call, one item: how a runner is called and what comes back."""

import asyncio
import dataclasses
import enum
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pydantic
import pytest

from minibento.call import Call, current_call
from minibento.errors import (
    BadResult,
    CannotCross,
    DeadlineExceeded,
    ItemError,
    ModelError,
    Overloaded,
    UsageError,
)
from minibento.metrics import Metrics
from minibento.runners.engine import EmbeddedEngine
from minibento.runners.method import method
from minibento.runners.runner import Runner


class Home(enum.Enum):
    OWNER = "owner"
    RENT = "rent"


class Application(pydantic.BaseModel):
    income: float = pydantic.Field(alias="Income")
    home: Home


@dataclasses.dataclass
class Decision:
    approved: bool
    pair: tuple[int, Home]


class Model:
    """One method of each kind."""

    latest: ClassVar["Model"]

    def __init__(self) -> None:
        Model.latest = self
        self.sizes: list[int] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()

    @method(batchable=True)
    def double(self, items: list[Any]) -> list[Any]:
        self.sizes.append(len(items))
        if any(item == "bad" for item in items):
            raise ValueError("bad")
        return [item * 2 for item in items]

    @method(batchable=True)
    def decide(self, items: list[Application]) -> list[Decision]:
        return [Decision(item.income > 10, (int(item.income), item.home)) for item in items]

    @method(batchable=True)
    def sums(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        rows += 1  # it may write into what it is given
        return rows.sum(axis=1)  # type: ignore[no-any-return]

    @method(batchable=True, example=pd.DataFrame({"age": [1], "home": ["rent"]}))
    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(old=frame["age"] > 60)

    @method(batchable=True)
    def short(self, items: list[Any]) -> list[Any]:
        return items[1:]

    @method(batchable=True)
    def marks(self, items: list[Any]) -> list[Any]:
        return [ItemError("odd", 409, "n") if item % 2 else item for item in items]

    @method(batchable=True)
    def leaves(self, items: list[Any]) -> list[Any]:
        raise SystemExit(3)

    @method
    def join(self, left: Application, right: tuple[int, ...], *, sep: str = "-") -> Decision:
        return Decision(left.home is Home.RENT, (len(right), left.home))

    @method
    def echo(self, value: Any, **more: Any) -> Any:
        return [value, more]

    @method
    def strange(self) -> object:
        return SimpleNamespace()

    @method
    def wait(self) -> str:
        self.entered.set()
        assert self.go_on.wait(10)
        return "waited"


@pytest.fixture
def runner() -> Iterator[Runner]:
    with Runner(Model) as runner:
        yield runner


def test_one_item_in_one_result_out_without_a_batch_axis(runner: Runner) -> None:
    assert runner.double.run(3) == 6
    assert runner.sums.run([1.0, 2.0]) == 5.0
    assert np.ndim(runner.sums.run(np.array([1.0, 2.0]))) == 0
    assert runner.frame.run({"age": 70, "home": "own"}).to_dict() == {
        "age": 70,
        "home": "own",
        "old": True,
    }


def test_many_items_come_back_in_one_piece(runner: Runner) -> None:
    assert runner.double.run_batch([1, "a"]) == [2, "aa"]
    sums = runner.sums.run_batch(np.zeros((3, 2)))
    assert (sums.dtype, sums.tolist()) == (np.float64, [2, 2, 2])
    frame = pd.DataFrame({"age": [70, 20], "home": ["own", "rent"]})
    pd.testing.assert_frame_equal(runner.frame.run_batch(frame), frame.assign(old=[True, False]))


def test_awaiting_from_any_loop_works() -> None:
    runner = Runner(Model)

    async def twice() -> list[Any]:
        return [await runner.double(1), *await asyncio.gather(*map(runner.double, range(3)))]

    assert asyncio.run(twice()) == [2, 0, 2, 4]
    assert asyncio.run(twice()) == [2, 0, 2, 4]


def test_run_works_from_many_threads_at_once_and_loads_once() -> None:
    loads = []

    class Slow:
        def __init__(self) -> None:
            loads.append(1)

        @method(batchable=True)
        def same(self, items: list[int]) -> list[int]:
            return items

    runner = Runner(Slow)
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(runner.same.run, range(100))) == list(range(100))
    assert loads == [1]


def test_waiting_on_its_own_loop_is_refused_with_the_mend() -> None:
    async def main() -> None:
        runner = Runner(Model)
        await runner.start()
        for call, given in ((runner.double.run, 1), (runner.double.run_batch, [1])):
            with pytest.raises(UsageError, match=r"await Model.double\(...\) instead"):
                call(given)
        assert await asyncio.to_thread(runner.double.run, 1) == 2
        await runner.stop()

    asyncio.run(main())


def test_hints_rebuild_items_arguments_and_results(runner: Runner) -> None:
    application = Application(Income=20, home=Home.RENT)
    expected = Decision(True, (20, Home.RENT))
    assert runner.decide.run(application) == expected
    assert runner.decide.run({"income": 20, "home": "rent"}) == expected
    assert runner.decide.run_batch([application, application]) == [expected, expected]
    assert runner.join.run(application, (1, 2), sep="+") == Decision(True, (2, Home.RENT))
    assert runner.join.run(left=application, right=[]) == Decision(True, (0, Home.RENT))


def test_what_does_not_fit_a_hint_is_the_items_error(runner: Runner) -> None:
    with pytest.raises(ItemError, match=r"Model.decide: home: Input should be 'owner' or 'rent'"):
        runner.decide.run({"income": 1, "home": "tent"})
    with pytest.raises(ItemError, match="argument 'left': home: Input should be") as caught:
        runner.join.run({"income": 1, "home": "tent"}, [])
    assert caught.value.field == "left.home"


def test_without_a_hint_objects_arrive_as_dicts_and_lists(runner: Runner) -> None:
    sent = Decision(True, (1, Home.RENT))
    assert runner.echo.run(sent, more=(1, 2)) == [
        {"approved": True, "pair": [1, "rent"]},
        {"more": [1, 2]},
    ]


@pytest.mark.parametrize("size", [3, 3000])
def test_neither_side_sees_the_others_writes(runner: Runner, size: int) -> None:
    sent = np.zeros(size)
    assert runner.sums.run(sent) == size
    assert (sent == 0).all()
    arrived, _ = runner.echo.run(sent)
    arrived[0] = 7
    assert sent[0] == 0


def test_what_cannot_cross_is_refused_at_the_call_and_on_the_way_back(runner: Runner) -> None:
    with pytest.raises(CannotCross, match=r"Model.double: a builtins.set cannot cross"):
        runner.double.run({1, 2})
    with pytest.raises(CannotCross, match=r"what Model.strange answered: a types.SimpleNamespace"):
        runner.strange.run()
    assert runner.double.run(1) == 2


def test_a_wrong_shape_is_refused_before_it_is_sent(runner: Runner) -> None:
    with pytest.raises(ItemError, match=r"got shape \(2, 3\): pass x\[0\], or sums.batch\(x\)"):
        runner.sums.run(np.zeros((2, 3)))


class Thrifty:
    """A model that answers in the same memory every time."""

    def __init__(self) -> None:
        self.memory = np.zeros((4, 1000))

    @method(batchable=True)
    def array(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        self.memory[: len(rows)] = rows
        return self.memory[: len(rows)]

    @method(batchable=True)
    def dicts(self, items: list[int]) -> list[dict[str, Any]]:
        self.memory[:] = items[0]
        return [{"deep": [self.memory]} for _ in items]

    @method
    def single(self, number: int) -> Any:
        self.memory[:] = number
        return self.memory


def test_a_model_may_answer_in_the_same_memory_every_time() -> None:
    async def main() -> None:
        runner = Runner(Thrifty, max_batch_size=4)
        await runner.start()
        numbers = range(40)
        found = await asyncio.gather(*(runner.array(np.full(1000, float(n))) for n in numbers))
        assert [row[0] for row in found] == list(numbers)
        whole = await runner.array.batch(np.arange(40.0).repeat(1000).reshape(40, 1000))
        assert whole[:, 0].tolist() == list(numbers)
        found = await asyncio.gather(*map(runner.single, numbers))
        assert [array[0, 0] for array in found] == list(numbers)
        found = await runner.dicts.batch(list(numbers))
        firsts = [int(one["deep"][0][0, 0]) for one in found]  # of each item's batch
        assert all(first <= n < first + 4 for n, first in enumerate(firsts))
        assert all(firsts[first] == first for first in firsts)
        await runner.stop()

    asyncio.run(main())


def test_two_arguments_to_a_batchable_method_name_the_mend(runner: Runner) -> None:
    with pytest.raises(UsageError, match=r"takes one item, got 2 arguments: .* Model.double.batch"):
        runner.double.run(1, 2)
    with pytest.raises(UsageError, match=r"Model.echo is not batchable"):
        runner.echo.run_batch([1])


def test_batch_without_items_or_with_no_rows_is_refused(runner: Runner) -> None:
    with pytest.raises(ItemError, match=r"double.batch was given no items"):
        runner.double.run_batch([])
    with pytest.raises(
        ItemError, match=r"double.batch takes a list, array, frame or sparse matrix"
    ):
        runner.double.run_batch("abc")


def test_the_first_bad_item_of_many_raises_with_its_index(runner: Runner) -> None:
    with pytest.raises(ItemError, match="odd") as caught:
        runner.marks.run_batch([2, 4, 5, 7])
    assert (caught.value.index, caught.value.status, caught.value.field) == (2, 409, "n")
    with pytest.raises(ItemError, match=r"got shape \(1, 2\)") as checked:
        runner.sums.run_batch([[1, 2], [[3, 4]]])
    assert checked.value.index == 1


def test_errors_may_be_had_in_their_places(runner: Runner) -> None:
    found = runner.marks.run_batch([2, 5, 6], return_errors=True)
    assert [found[0], found[2]] == [2, 6]
    assert isinstance(found[1], ItemError)
    mixed = runner.double.run_batch([1, "bad", 3], return_errors=True)
    assert [mixed[0], mixed[2]] == [2, 6]
    assert isinstance(mixed[1], ModelError)
    assert "Traceback" in mixed[1].remote_traceback


def test_return_errors_gives_a_list_of_results_where_none_failed(runner: Runner) -> None:
    assert runner.sums.run_batch(np.zeros((2, 2)), return_errors=True) == [2, 2]
    [row] = runner.frame.run_batch([{"age": 1, "home": "x"}], return_errors=True)
    assert row.to_dict() == {"age": 1, "home": "x", "old": False}


def test_an_item_error_returned_in_an_items_place_is_raised_alone(runner: Runner) -> None:
    async def both() -> list[Any]:
        calls = [runner.marks(n) for n in range(4)]
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(both())
    assert [found[0], found[2]] == [0, 2]
    assert all(isinstance(error, ItemError) for error in (found[1], found[3]))


def test_one_bad_item_never_fails_its_mates(runner: Runner) -> None:
    async def many() -> list[Any]:
        items: list[Any] = [*range(31), "bad"]
        return await asyncio.gather(*map(runner.double, items), return_exceptions=True)

    *good, bad = asyncio.run(many())
    assert good == [2 * n for n in range(31)]
    assert type(bad) is ModelError
    assert str(bad) == "Model.double: ValueError: bad"


def test_a_method_may_take_its_items_apart_even_when_a_mate_is_bad() -> None:
    class Popping:
        @method(batchable=True)
        def income(self, rows: list[dict[str, Any]]) -> list[float]:
            sizes.append(len(rows))
            return [row.pop("income") for row in rows]

    sizes: list[int] = []
    rows: list[dict[str, Any]] = [{"income": n} for n in range(40)]
    bad = {7, 20, 38}
    for n in bad:
        rows[n] = {"incomme": n}
    with Runner(Popping) as runner:
        runner.income.run_batch(rows[:7])  # the policy learns to send many
        found = runner.income.run_batch(rows, return_errors=True)
    assert max(sizes) > 4
    assert {n for n, answer in enumerate(found) if isinstance(answer, ModelError)} == bad
    assert [n for n in found if isinstance(n, int)] == [n for n in range(40) if n not in bad]


def test_a_method_that_may_not_run_again_runs_once_and_fails_whole() -> None:
    batches: list[list[Any]] = []

    class Paying:
        @method(batchable=True, idempotent=False)
        def pay(self, items: list[Any]) -> list[Any]:
            batches.append(items)
            return [item + 1 for item in items]

    with Runner(Paying) as runner:
        found = runner.pay.run_batch([1, 2, 3, 4, 5, 6, "bad", 7], return_errors=True)
    assert [item for batch in batches for item in batch] == [1, 2, 3, 4, 5, 6, "bad", 7]
    [bad] = [batch for batch in batches if "bad" in batch]
    failed = [isinstance(answer, ModelError) for answer in found]
    assert failed == [item in bad for batch in batches for item in batch]


def test_a_wrong_number_of_results_fails_all_and_shifts_nothing(runner: Runner) -> None:
    with pytest.raises(BadResult, match="a batch of 1 items and answered 0 results"):
        runner.short.run(1)
    assert [type(e) for e in runner.short.run_batch([1, 2], return_errors=True)] == [BadResult] * 2


def test_a_model_that_exits_is_an_error_and_the_worker_lives(runner: Runner) -> None:
    with pytest.raises(ModelError, match=r"Model.leaves: SystemExit: 3"):
        runner.leaves.run(1)
    assert runner.double.run(1) == 2


def test_a_result_that_is_not_what_the_hint_says_is_a_bad_result() -> None:
    class Liar:
        @method
        def pair(self) -> tuple[int, int]:
            return "abc"  # type: ignore[return-value]

    with Runner(Liar) as runner, pytest.raises(BadResult, match=r"Liar.pair did not answer what"):
        runner.pair.run()


def test_a_call_notes_how_it_went() -> None:
    runner = Runner(Model)

    async def main() -> Call:
        call = Call("r1", deadline=time.monotonic() + 10)
        current_call.set(call)
        await runner.double.batch([1, 2, 3])
        return call

    call = asyncio.run(main())
    assert call.batch_size == max(Model.latest.sizes)
    assert 0 <= call.queue_seconds < 5
    assert 0 < call.compute_seconds < 5


def test_a_deadline_that_has_passed_costs_nothing_and_is_told() -> None:
    with Runner(Model) as runner:
        current_call.set(Call("r1", deadline=time.monotonic() - 1))
        try:
            with pytest.raises(DeadlineExceeded):
                runner.double.run(1)
        finally:
            current_call.set(None)
        assert runner.double.run(2) == 4


def test_a_caller_is_answered_at_its_deadline_even_while_the_model_computes() -> None:
    with Runner(Model) as runner:
        model = Model.latest
        current_call.set(Call("r1", deadline=time.monotonic() + 0.05))
        try:
            with pytest.raises(
                DeadlineExceeded, match=r"Model.wait: no answer before the deadline"
            ):
                runner.wait.run()
        finally:
            current_call.set(None)
        model.go_on.set()
        assert runner.double.run(2) == 4


def test_a_cancelled_call_leaves_the_queue() -> None:
    async def main() -> None:
        metrics = Metrics()
        runner = Runner(Model)
        await runner.start(metrics)
        model = Model.latest
        blocked = asyncio.create_task(runner.wait())
        await asyncio.to_thread(model.entered.wait, 5)
        calls = [asyncio.create_task(runner.double(n)) for n in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        [length] = [m for m in metrics if m.name == "minibento_queue_length"]
        assert length.value("Model", "").number == 5
        for call in calls[:4]:
            call.cancel()
        await asyncio.wait(calls[:4])
        assert length.value("Model", "").number == 1
        model.go_on.set()
        assert await blocked == "waited"
        assert await calls[4] == 8
        assert model.sizes == [1]
        assert length.value("Model", "").number == 0
        await runner.stop()

    asyncio.run(main())


def test_cancelling_from_a_foreign_loop_leaves_the_queue_too() -> None:
    async def main() -> None:
        with Runner(Model) as runner:
            model = Model.latest
            blocked = asyncio.create_task(runner.wait())
            await asyncio.to_thread(model.entered.wait, 5)
            call = asyncio.create_task(runner.double(1))
            async with asyncio.timeout(5):
                while not waiting(runner):  # noqa: ASYNC110 - another loop's
                    await asyncio.sleep(0.001)
                call.cancel()
                while waiting(runner):  # noqa: ASYNC110 - another loop's
                    await asyncio.sleep(0.001)
            model.go_on.set()
            assert await blocked == "waited"
            assert model.sizes == []

    asyncio.run(main())


def waiting(runner: Runner) -> int:
    """Items that wait in a runner."""
    engine = runner.running
    assert isinstance(engine, EmbeddedEngine)
    return engine._worker._batcher.waiting


def test_a_full_queue_refuses_with_retry_after() -> None:
    async def main() -> None:
        runner = Runner(Model, max_queue=2)
        await runner.start()
        model = Model.latest
        blocked = asyncio.create_task(runner.wait())
        await asyncio.to_thread(model.entered.wait, 5)
        calls = [asyncio.create_task(runner.double(n)) for n in range(5)]
        await asyncio.sleep(0.01)
        model.go_on.set()
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert found[:2] == [0, 2]
        for error in found[2:]:
            assert isinstance(error, Overloaded)
            assert error.retry_after >= 1
        await blocked
        await runner.stop()

    asyncio.run(main())


def test_the_numbers_are_right_after_known_traffic() -> None:
    async def main() -> Metrics:
        metrics = Metrics()
        runner = Runner(Model, max_batch_size=4)
        await runner.start(metrics)
        await asyncio.gather(*map(runner.double, range(10)))
        await runner.double.batch([1, 2])
        await runner.echo(1)
        await runner.stop()
        return metrics

    families = {metric.name: metric for metric in asyncio.run(main())}
    labels = ("Model", "")
    sizes = families["minibento_batch_size"].histogram(*labels)
    waits = families["minibento_queue_seconds"].histogram(*labels)
    seconds = families["minibento_model_seconds"].histogram(*labels)
    assert sizes.total == 13
    assert sum(sizes.counts) == sum(seconds.counts)
    assert sum(sizes.counts[:3]) == sum(sizes.counts)
    assert sum(waits.counts) == 13
    assert families["minibento_queue_length"].value(*labels).number == 0


def test_everything_works_on_uvloop_as_well() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> None:
        runner = Runner(Model)
        await runner.start()
        current_call.set(Call("r1", deadline=time.monotonic() + 0.2))
        assert await asyncio.gather(*map(runner.double, range(5))) == [0, 2, 4, 6, 8]
        with pytest.raises(DeadlineExceeded):
            await runner.wait()
        Model.latest.go_on.set()
        current_call.set(None)
        assert await asyncio.to_thread(runner.double.run, 2) == 4
        await runner.stop()

    uvloop.run(main())
    with Runner(Model) as runner:
        assert uvloop.run(call(runner)) == 2


async def call(runner: Runner) -> Any:
    """A call from a loop that is not the runner's."""
    return await runner.double(1)


def test_text_that_is_no_unicode_in_an_answer_is_the_models_fault() -> None:
    class Odd:
        @method
        def say(self, n: int) -> str:
            return "\ud800" * n

    with Runner(Odd) as runner, pytest.raises(BadResult, match="lone surrogate"):
        runner.say.run(1)
