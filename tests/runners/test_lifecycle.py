"""How a runner starts, stops, is garbage-collected, and leaves a process."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from minibento.errors import ItemError, ModelError, Unavailable
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.wire.values import encode


class Model:
    """Counts how often it is loaded; its call can be held."""

    loads: ClassVar[int] = 0
    fail: ClassVar[bool] = False
    entered: ClassVar[threading.Event]
    go_on: ClassVar[threading.Event]

    def __init__(self) -> None:
        Model.loads += 1
        Model.entered, Model.go_on = threading.Event(), threading.Event()
        if Model.fail:
            raise OSError("no weights")

    @method(batchable=True)
    def double(self, items: list[int]) -> list[int]:
        return [item * 2 for item in items]

    @method
    def hold(self) -> str:
        self.entered.set()
        assert self.go_on.wait(10)
        return "held"


def ready(runner: Runner) -> bool:
    return runner.ready


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    Model.loads, Model.fail = 0, False
    before = set(threading.enumerate())
    yield
    gc.collect()
    limit = time.monotonic() + 5
    while left := [t for t in threading.enumerate() if t not in before and "minibento" in t.name]:
        assert time.monotonic() < limit, left
        left[0].join(0.1)


def test_a_with_block_starts_and_stops_it() -> None:
    runner = Runner(Model)
    assert not ready(runner)
    with runner:
        assert ready(runner)
        assert runner.double.run(1) == 2
    assert not ready(runner)
    with runner:
        assert runner.double.run(1) == 2
    assert Model.loads == 2


def test_it_starts_itself_at_its_first_call() -> None:
    runner = Runner(Model)
    assert runner.double.run(1) == 2
    assert runner.double.run(2) == 4
    assert Model.loads == 1


def test_starts_and_stops_are_counted() -> None:
    async def main() -> None:
        runner = Runner(Model)
        await runner.start()
        await runner.start()
        await runner.stop()
        assert ready(runner)
        assert await runner.double(1) == 2
        await runner.stop()
        assert not ready(runner)
        await runner.stop()
        await runner.start()
        assert ready(runner)
        await runner.stop()

    asyncio.run(main())
    assert Model.loads == 2


def test_two_starts_at_once_load_once() -> None:
    async def main() -> None:
        runner = Runner(Model)
        await asyncio.gather(runner.start(), runner.start())
        await runner.stop()
        assert ready(runner)
        await runner.stop()
        assert not ready(runner)

    asyncio.run(main())
    assert Model.loads == 1


def test_stop_answers_what_was_accepted_and_refuses_what_comes_later() -> None:
    async def main() -> None:
        runner = Runner(Model)
        await runner.start()
        engine = runner.engine()
        held = asyncio.create_task(runner.hold())
        waiting = asyncio.create_task(runner.double(2))
        await asyncio.to_thread(Model.entered.wait, 5)
        stopping = asyncio.create_task(runner.stop())
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="is stopping"):
            await engine.client.call("double", encode(1))
        Model.go_on.set()
        await stopping
        assert (await held, await waiting) == ("held", 4)
        with pytest.raises(Unavailable, match="has stopped"):
            await engine.client.call("double", encode(1))

    asyncio.run(main())


def test_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minibento.runners.engine.GRACE_SECONDS", 0.05)

    async def main() -> None:
        runner = Runner(Model)
        await runner.start()
        calls = [asyncio.create_task(call) for call in (runner.hold(), runner.double(2))]
        await asyncio.to_thread(Model.entered.wait, 5)
        await runner.stop()
        for error in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(error, Unavailable)
        Model.go_on.set()

    asyncio.run(main())


@pytest.mark.parametrize("how", ["start", "with", "run"])
def test_a_model_that_does_not_load_says_why_and_a_second_start_works(how: str) -> None:
    runner = Runner(Model)

    async def start_and_stop() -> None:
        await runner.start()
        assert ready(runner)
        await runner.stop()

    def start() -> None:
        if how == "start":
            asyncio.run(start_and_stop())
        elif how == "run":
            assert runner.double.run(1) == 2
        else:
            with runner:
                pass

    Model.fail = True
    with pytest.raises(OSError, match="no weights"):
        start()
    assert not ready(runner)
    Model.fail = False
    start()


def test_a_model_that_fails_at_its_example_does_not_start() -> None:
    class Picky:
        fail = True

        @method(batchable=True, example=["a", "b"])
        def upper(self, texts: list[str]) -> list[str]:
            if Picky.fail:
                raise ValueError("not loaded yet")
            return [text.upper() for text in texts]

    runner = Runner(Picky)
    with pytest.raises(ValueError, match="not loaded yet"):
        runner.upper.run("a")
    Picky.fail = False
    assert runner.upper.run("a") == "A"


def test_warm_up_calls_each_method_that_has_an_example_with_batches_of_its_kind() -> None:
    seen: list[Any] = []

    class Warm:
        @method(batchable=True, example=["a", "b"])
        def upper(self, texts: list[str]) -> list[str]:
            seen.append(texts)
            return texts

        @method(example="x")
        def one(self, text: str) -> str:
            seen.append(text)
            return text

    with Runner(Warm, max_batch_size=4):
        assert seen == [["a"], ["a"], ["a", "b", "a", "b"], "x"]


def test_a_class_is_made_with_its_init_arguments() -> None:
    class Sized:
        def __init__(self, size: int, name: str = "x") -> None:
            self.size = size

        @method
        def get(self) -> int:
            return self.size

    with Runner(Sized, init={"size": 7}) as runner:
        assert runner.get.run() == 7


def test_a_runner_that_nobody_holds_leaves_no_thread() -> None:
    runner = Runner(Model)
    assert runner.double.run(1) == 2
    assert any("minibento" in thread.name for thread in threading.enumerate())
    del runner  # the fixture waits for its threads


def test_a_stopped_runner_keeps_no_model_alive() -> None:
    import weakref

    class Heavy:
        alive: ClassVar[Any]

        def __init__(self) -> None:
            Heavy.alive = weakref.ref(self)

        @method
        def hello(self) -> str:
            return "hello"

    runner = Runner(Heavy)
    with runner:
        runner.hello.run()
    limit = time.monotonic() + 5
    while Heavy.alive() is not None:
        assert time.monotonic() < limit
        gc.collect()


def test_unknown_methods_and_names_say_what_was_perhaps_meant() -> None:
    runner = Runner(Model)
    with pytest.raises(AttributeError, match="runner 'Model' has no method 'duoble': did you mean"):
        runner.duoble  # noqa: B018 - the access is tested
    with pytest.raises(AttributeError, match="it has double, hold"):
        runner.zzz  # noqa: B018 - the access is tested


def test_a_runner_is_called_after_the_attribute_that_holds_it() -> None:
    class Service:
        risk = Runner(Model)

    assert Service.risk.name == "risk"
    with Service.risk, pytest.raises(ItemError, match=r"risk.double.batch|double.batch"):
        Service.risk.double.run_batch([])


SCRIPT = """
import sys, threading, time
from minibento.runners.method import method
from minibento.runners.runner import Runner

class Model:
    @method(batchable=True)
    def double(self, items: list[int]) -> list[int]:
        return [item * 2 for item in items]

    @method
    def stuck(self) -> None:
        entered.set()
        threading.Event().wait()

entered = threading.Event()
runner = Runner(Model)
print(runner.double.run(2), flush=True)
if sys.argv[1] == "stuck":
    threading.Thread(target=runner.stuck.run, daemon=True).start()
    assert entered.wait(5)
"""


@pytest.mark.parametrize("how", ["idle", "stuck"])
def test_a_process_ends_at_once_even_with_a_call_stuck_in_the_model(how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, how],
        timeout=15,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")


def test_a_model_that_raises_while_computing_keeps_serving() -> None:
    class Moody:
        @method(batchable=True)
        def check(self, items: list[int]) -> list[int]:
            if items == [13]:
                raise RuntimeError("unlucky")
            return items

    with Runner(Moody) as runner:
        with pytest.raises(ModelError, match=r"Moody.check: RuntimeError: unlucky"):
            runner.check.run(13)
        assert runner.check.run(14) == 14
