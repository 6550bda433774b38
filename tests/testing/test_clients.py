"""`minibento.testing.client`: a service in this process."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from minibento.asgi.service import Service
from minibento.errors import UsageError
from minibento.models.resolving import get
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.services.api import api
from minibento.testing import client, models


class FakeBatches:
    """A fake that knows how it was called."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def count(self, texts: list[str]) -> list[int]:
        self.calls.append(texts)
        return [7 for _ in texts]


class FakeSingle:
    def count(self, texts: list[str]) -> list[int]:
        return [1 for _ in texts]

    def shout(self, text: str) -> str:
        return f"fake {text}"


def test_the_service_answers_as_when_it_is_served(counter: Service[object]) -> None:
    with client(counter) as http:
        assert isinstance(http, httpx2.Client)
        assert http.post("/count", json="two words").json() == 2
        assert http.post("/count", json=3).status_code == 422
        assert http.get("/readyz").status_code == 200


def test_an_error_in_the_service_is_its_answer(counter: Service[object]) -> None:
    with client(counter) as http:
        assert http.post("/fail").status_code == 500


def test_hooks_run_around_the_block(counter: Service[object], events: list[str]) -> None:
    with client(counter):
        assert events == ["up"]
    assert events == ["up", "down"]


def test_hooks_run_when_the_block_raises(counter: Service[object], events: list[str]) -> None:
    with pytest.raises(KeyError), client(counter):
        raise KeyError
    assert events == ["up", "down"]


def test_a_fake_gets_batches_where_the_real_method_is_batchable(counter: Service[object]) -> None:
    fake = FakeBatches()
    with client(counter, model=fake) as http:
        assert http.post("/count", json="two words").json() == 7
    assert fake.calls == [["two words"]]


def test_a_fake_gets_one_item_where_the_real_method_takes_one(counter: Service[object]) -> None:
    with client(counter, model=FakeSingle()) as http:
        assert http.post("/shout", json="hey").json() == "fake hey"


def test_requests_of_several_threads_share_a_batch(counter: Service[object]) -> None:
    entered, proceed = threading.Event(), threading.Event()
    sizes: list[int] = []

    class Gated:
        def count(self, texts: list[str]) -> list[int]:
            sizes.append(len(texts))
            entered.set()
            assert proceed.wait(20)
            return [0 for _ in texts]

    arrived = threading.Barrier(5)

    def ask(http: httpx2.Client) -> int:
        arrived.wait(20)
        answer: int = http.post("/count", json="a").json()
        return answer

    with client(counter, model=Gated()) as http, ThreadPoolExecutor(8) as threads:
        first = threads.submit(http.post, "/count", json="a")
        assert entered.wait(20)
        # While the first batch computes the others come together.
        others = [threads.submit(ask, http) for _ in range(4)]
        arrived.wait(20)
        _until_queued(http, 4)
        proceed.set()
        assert first.result(20).json() == 0
        assert [one.result(20) for one in others] == [0] * 4
    # How the four are cut is the policy's business; that they do not all go alone is what counts.
    assert sum(sizes) == 5
    assert len(sizes) < 5


def test_a_runner_takes_the_place_as_it_is(counter: Service[object]) -> None:
    class Marked:
        @method(batchable=True)
        def count(self, texts: list[str]) -> list[int]:
            return [40 + len(texts) for _ in texts]

    with client(counter, model=Runner(Marked)) as http:
        assert http.post("/count", json="a").json() == 41


def test_an_attribute_that_is_no_runner_is_replaced_by_the_object(
    counter: Service[object],
) -> None:
    with client(counter, greeting="bonjour") as http:
        assert http.post("/greet").json() == "bonjour"
    with client(counter) as http:
        assert http.post("/greet").json() == "hello"


def test_a_name_that_the_service_has_not_is_refused(counter: Service[object]) -> None:
    with pytest.raises(UsageError, match="modle"), client(counter, modle=FakeBatches()):
        pass


class Misspelt:
    def cuont(self, texts: list[str]) -> list[int]:
        return [1 for _ in texts]


class Empty:
    pass


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        (Misspelt(), r"methods are count, shout: Misspelt has cuont; did you mean 'cuont'\?"),
        (Empty(), "Empty has no public method; give it 'count'"),
    ],
)
def test_a_fake_without_any_of_the_methods_is_refused_at_once(
    counter: Service[object], fake: object, said: str
) -> None:
    with pytest.raises(UsageError, match=said), client(counter, model=fake):
        pass


def test_a_fake_of_a_placeholder_needs_a_method_too() -> None:
    with models({"risk:production": None}):
        runner = get("risk:production").to_runner()
    with pytest.raises(UsageError, match=r"methods are any method: Empty has no public method$"):
        runner.replaced_by(Empty())


def test_a_plain_class_is_refused_with_the_mend() -> None:
    with pytest.raises(UsageError, match="pass CreditRisk itself"), client(FakeBatches):
        pass


def test_what_the_start_raises_arrives_as_it_is() -> None:
    from minibento.asgi.service import service

    @service
    class Broken:
        def __init__(self) -> None:
            raise KeyError("no key")

        @api
        async def answer(self) -> int:
            return 1

    with pytest.raises(KeyError, match="no key"), client(Broken):
        pass


def test_a_service_of_a_model_that_is_not_there_is_tested_with_a_fake(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minibento.asgi.service import service

    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "nowhere"))

    class FakeModel:
        def predict(self, rows: list[dict[str, int]]) -> list[int]:
            return [row["a"] + 1 for row in rows]

    with models({"risk:production": None}):
        model = get("risk:production")

    @service
    class Risk:
        runner = model.to_runner()

        @api
        async def classify(self, row: dict[str, int]) -> int:
            answer: int = await self.runner.predict(row)
            return answer

    with client(Risk, runner=FakeModel()) as http:
        assert http.post("/classify", json={"a": 1}).json() == 2
    assert not (tmp_path / "nowhere").exists()


def test_the_same_service_can_be_tested_twice_and_at_once(counter: Service[object]) -> None:
    with client(counter, model=FakeBatches()) as one, client(counter, model=FakeSingle()) as two:
        assert one.post("/count", json="a").json() == 7
        assert two.post("/count", json="a").json() == 1


def _until_queued(http: httpx2.Client, count: int) -> None:
    """Return once so many items wait, by the service's own metrics."""
    for _ in range(2000):
        for line in http.get("/metrics").text.splitlines():
            if line.startswith("minibento_queue_length{") and float(line.split()[-1]) == count:
                return
    raise AssertionError(f"never {count} in the queue")
