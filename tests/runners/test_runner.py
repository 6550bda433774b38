"""`minibento.Runner`: its options, its targets, and fakes in its place."""

from typing import Any

import pytest

from minibento.errors import DeclarationError, UsageError
from minibento.runners.method import method
from minibento.runners.options import Options
from minibento.runners.runner import Runner


class Model:
    """Two methods, one batchable."""

    def __init__(self, size: int = 1) -> None:
        self.size = size

    @method(batchable=True)
    def predict(self, items: list[int]) -> list[int]:
        return [item * self.size for item in items]

    @method
    def title(self) -> str:
        return "real"


class FakeModel:
    """A test's own, without marks; counts its calls."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def predict(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        return [7] * len(items)


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"workers": 0}, "workers is a whole number of at least 1, got 0"),
    ({"workers": True}, "workers is a whole number of at least 1, got True"),
    ({"threads": 1.5}, "threads is a whole number of at least 1, got 1.5"),
    ({"max_batch_size": "8"}, "max_batch_size is a whole number of at least 1, got '8'"),
    ({"max_batch_size": None}, "max_batch_size is a whole number of at least 1, got None"),
    ({"max_latency_ms": 0}, "max_latency_ms is a number above 0, got 0"),
    ({"max_latency_ms": float("nan")}, "max_latency_ms is a number above 0, got nan"),
    ({"max_latency_ms": float("inf")}, "max_latency_ms is a number above 0, got inf"),
    ({"max_latency_ms": "fast"}, "max_latency_ms is a number above 0, got 'fast'"),
    ({"preload": "yes"}, "preload is True, False or None, got 'yes'"),
    ({"preload": 1}, "preload is True, False or None, got 1"),
    ({"max_wait_ms": 0}, "max_wait_ms is a number above 0, got 0"),
    ({"admission": 1}, "admission is True or False, got 1"),
    ({"admission": False, "max_wait_ms": 20}, "max_wait_ms=20 refuses calls by prediction"),
    ({"max_batchsize": 8}, "a runner has no option 'max_batchsize': did you mean 'max_batch_size'"),
    ({"zzz": 8}, "a runner has no option 'zzz': its options are workers, threads"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=str)
def test_a_wrong_option_is_refused_where_it_is_written(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        Runner(Model, **options)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["start", "stop", "ready", "version", "name", "options"])
def test_a_method_that_a_runners_own_name_would_hide_is_refused(name: str) -> None:
    hidden = type("Hidden", (), {name: method(lambda self: 1)})
    with pytest.raises(DeclarationError, match=f"a runner has a '{name}' of its own"):
        Runner(hidden)


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Options() == Options(1, None, 128, 100, None, 4096)


TARGETS: list[tuple[Any, Any, str]] = [
    (
        Model(),
        None,
        "a Runner runs a class or a model, got <.*Model object.*: pass the class itself",
    ),
    (print, None, "a Runner runs a class or a model"),
    ("credit:latest", None, r"pass the class itself .* or minibento.models.get\(tag\)"),
    (Model, {"siez": 3}, r"Runner\(Model, init={'siez': 3}\): got an unexpected keyword"),
    (Model, [3], r"Runner\(Model, init=\[3\]\): init is a dict of keyword arguments"),
    (Model(), {"size": 3}, "init= is for a class"),
]


@pytest.mark.parametrize(("target", "init", "message"), TARGETS, ids=[one[2] for one in TARGETS])
def test_what_no_runner_can_run_is_refused(target: Any, init: Any, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        Runner(target, init=init)


def test_an_unmarked_fake_is_called_as_the_real_one_would_be() -> None:
    fake = FakeModel()
    runner = Runner(Model, max_batch_size=2).replaced_by(fake)
    assert (runner.name, runner.options.max_batch_size) == ("Model", 2)
    with runner:
        assert runner.predict.run(1) == 7
        assert runner.predict.run_batch([1, 2, 3]) == [7, 7, 7]
    assert [item for batch in fake.batches for item in batch] == [1, 1, 2, 3]
    assert max(map(len, fake.batches)) <= 2


def test_a_fake_lacks_what_it_does_not_define() -> None:
    runner = Runner(Model).replaced_by(FakeModel())
    with pytest.raises(AttributeError, match="has no method 'title': FakeModel has predict"):
        runner.title  # noqa: B018 - the access is tested
    assert "title" not in runner.source.methods


def test_a_marked_fake_is_called_as_it_says() -> None:
    class Marked:
        @method
        def predict(self, item: int) -> str:
            return f"one {item}"

    with Runner(Model).replaced_by(Marked()) as runner:
        assert runner.predict.run(3) == "one 3"


def test_calling_a_runner_whose_model_is_no_function_names_its_methods() -> None:
    with pytest.raises(
        UsageError, match="runner 'Model' is called by method: one of predict, title"
    ):
        Runner(Model)(1)


def test_a_model_that_is_itself_a_function_is_called_directly() -> None:
    class Function:
        @method(batchable=True)
        def __call__(self, items: list[int]) -> list[int]:
            return [item + 1 for item in items]

    with Runner(Function) as runner:
        assert runner.run(1) == 2
        assert runner.run_batch([1, 2]) == [2, 3]


def test_handles_can_be_made_before_the_first_call_with_what_they_import() -> None:
    """As a nursery does, so that no worker's first request waits for pandas."""

    class Model:
        @method(batchable=True)
        def predict(self, rows: list[float]) -> list[float]:
            return rows

    runner = Runner(Model)
    assert "predict" not in vars(runner)
    runner.make_handles()
    assert runner.predict is vars(runner)["predict"]
