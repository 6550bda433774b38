"""A runner's class goes to another process by name, its arguments as data, or it says why not."""

import dataclasses
import json
from typing import Any

import numpy as np
import pytest

from minibento.errors import DeclarationError
from minibento.runners.class_spec import class_of
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.runners.source import ClassSource, ObjectSource


@dataclasses.dataclass
class Sizes:
    pair: tuple[int, int]


class Model:
    """Keeps what it was made with."""

    def __init__(
        self, name: str = "", sizes: Sizes | None = None, more: Any = None, **others: Any
    ) -> None:
        self.made_with = (name, sizes, more, others)

    @method
    def hello(self) -> str:
        return "hello"

    class Inner:
        @method
        def hello(self) -> str:
            return "inner"


Renamed = Model


def crossed(cls: type, init: dict[str, Any] | None = None) -> ClassSource:
    """The source as another process makes it."""
    spec = json.loads(json.dumps(ClassSource(cls, init).spec()))
    return ClassSource(*class_of(spec))


@pytest.mark.parametrize("cls", [Model, Model.Inner, Renamed])
def test_a_class_of_a_module_is_found_by_its_name(cls: type) -> None:
    assert type(crossed(cls).load()) is cls


def test_arguments_arrive_as_the_hints_name_them() -> None:
    init = {"name": "a", "sizes": Sizes((1, 2)), "more": [1, {"a": b"b"}], "other": 1.5}
    loaded = crossed(Model, init).load()
    assert loaded.made_with == ("a", Sizes((1, 2)), [1, {"a": b"b"}], {"other": 1.5})
    more = crossed(Model, {"more": np.arange(10_000)}).load().made_with[2]
    assert np.array_equal(more, np.arange(10_000))


@pytest.mark.parametrize(
    ("init", "why"),
    [
        ({"more": (1, 2)}, "'more' has a tuple, which would arrive as list"),
        ({"more": [{"a": (1, 2)}]}, "'more' has a tuple, which would arrive as list"),
        ({"more": Sizes((1, 2))}, "'more' has a Sizes, which would arrive as dict"),
        ({"more": object()}, "object"),
        ({"more": "\ud800"}, "surrogate"),
    ],
)
def test_an_argument_that_would_arrive_otherwise_is_refused(init: dict[str, Any], why: str) -> None:
    with pytest.raises(DeclarationError, match=why) as caught:
        ClassSource(Model, init).spec()
    assert "placement: embedded" in str(caught.value)


def test_a_class_that_another_process_cannot_import_is_refused() -> None:
    class Local:
        @method
        def hello(self) -> str:
            return "hello"

    with pytest.raises(DeclarationError, match=r"made inside a function(.|\n)*embedded"):
        ClassSource(Local, None).spec()


def test_a_class_of_the_script_that_runs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Model, "__module__", "__main__")
    with pytest.raises(DeclarationError, match=r"the script that runs(.|\n)*embedded"):
        ClassSource(Model, None).spec()


@pytest.mark.parametrize(("name", "what"), [("Nowhere", "is not there"), ("Sizes", "is <class")])
def test_a_class_that_is_not_where_its_name_says_is_refused(name: str, what: str) -> None:
    made = type(name, (Model,), {"__module__": __name__, "__qualname__": name})
    with pytest.raises(DeclarationError, match=what):
        ClassSource(made, None).spec()


def test_an_object_of_this_process_goes_nowhere() -> None:
    with pytest.raises(DeclarationError, match="embedded"):
        ObjectSource(Model()).spec()
    fake = Runner(Model).replaced_by(Model())
    with pytest.raises(DeclarationError, match="embedded"):
        fake.source.spec()
