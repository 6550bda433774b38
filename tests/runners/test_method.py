"""`@minibento.method`: what it declares, and declarations that cannot work, each with its mend."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from minibento.errors import DeclarationError
from minibento.runners.method import method, read_methods
from minibento.runners.runner import Runner
from minibento.wire.row_spec import RowSpec

if TYPE_CHECKING:
    from decimal import Decimal

FRAME = pd.DataFrame({"age": [1]})


class Good:
    """Every way to declare a method that works."""

    @method
    def plain(self, value: int, more: str = "x") -> int:
        return value

    @method(batchable=True)
    def texts(self, texts: list[str]) -> list[tuple[int, str]]:
        return []

    @method(batchable=True)
    def anything(self, items: list) -> list:  # type: ignore[type-arg]
        return items

    @method(batchable=True)
    def array(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return rows

    @method(batchable=True, example=np.zeros((1, 29), np.float32))
    def shaped(self, rows: npt.NDArray[np.float32], scale: float = 1.0) -> npt.NDArray[np.float32]:
        return rows

    @method(batchable=True, example=FRAME)
    def frame(self, rows: Annotated[pd.DataFrame, "columns"]) -> pd.Series:
        return rows["age"]

    @method
    def stream(self, value: int) -> Iterator[tuple[int, int]]:
        yield value, value

    def unmarked(self) -> None:
        pass


def test_a_declaration_says_how_batches_arrive_and_what_is_rebuilt() -> None:
    specs = read_methods(Good)
    assert list(specs) == ["plain", "texts", "anything", "array", "shaped", "frame", "stream"]
    assert (specs["plain"].batchable, specs["plain"].hints) == (False, {"value": int, "more": str})
    texts = specs["texts"]
    assert (texts.rows.kind, texts.item_hint, texts.result_hint) == ("list", str, tuple[int, str])
    assert (specs["anything"].item_hint, specs["anything"].result_hint) == (Any, Any)
    assert specs["array"].rows == RowSpec("array")
    assert specs["shaped"].rows == RowSpec("array", "float32", (29,))
    assert specs["frame"].rows.kind == "frame"
    assert specs["stream"].streams
    assert specs["stream"].result_hint == tuple[int, int]


def test_methods_are_inherited_and_overridden() -> None:
    class Child(Good):
        @method(batchable=True)
        def plain(self, value: list[int]) -> list[int]:  # type: ignore[override]
            return value

        def stream(self, value: int) -> Iterator[tuple[int, int]]:
            yield value, value

    specs = read_methods(Child)
    assert specs["plain"].batchable
    assert "texts" in specs


def bad_async() -> type:
    class Bad:
        @method(batchable=True)
        async def go(self, items: list[int]) -> list[int]:
            return items

    return Bad


def bad_generator() -> type:
    class Bad:
        @method(batchable=True)
        def go(self, items: list[int]) -> Iterator[int]:
            yield 1

    return Bad


def bad_no_hint() -> type:
    class Bad:
        @method(batchable=True)
        def go(self, items):  # type: ignore[no-untyped-def]
            return items

    return Bad


def bad_hint() -> type:
    class Bad:
        @method(batchable=True)
        def go(self, items: dict[str, int]) -> list[int]:
            return []

    return Bad


def bad_two() -> type:
    class Bad:
        @method(batchable=True)
        def go(self, left: list[int], right: list[int]) -> list[int]:
            return left

    return Bad


def bad_none() -> type:
    class Bad:
        @method(batchable=True)
        def go(self) -> list[int]:
            return []

    return Bad


def bad_frame() -> type:
    class Bad:
        @method(batchable=True)
        def go(self, rows: pd.DataFrame) -> list[int]:
            return []

    return Bad


def bad_example() -> type:
    class Bad:
        @method(batchable=True, example=[{"a": 1}])
        def go(self, rows: pd.DataFrame) -> list[int]:
            return []

    return Bad


def bad_empty_example() -> type:
    class Bad:
        @method(batchable=True, example=np.zeros((0, 3)))
        def go(self, rows: np.ndarray[Any, Any]) -> list[int]:
            return []

    return Bad


def bad_name() -> type:
    class Bad:
        @method
        def _go(self) -> int:
            return 1

    return Bad


def bad_self() -> type:
    class Bad:
        @method(batchable=True)
        def go(items: list[int]) -> list[int]:  # type: ignore[misc]  # noqa: N805 -- the slip that is meant
            return items

    return Bad


def bad_import() -> type:
    class Bad:
        @method
        def go(self, value: "Decimal") -> int:
            return 1

    return Bad


def bad_unmarked() -> type:
    class Bad:
        def go(self) -> int:
            return 1

    return Bad


BAD = [
    (bad_async, "Bad.go is async: .* write `def`"),
    (bad_generator, "Bad.go is a generator and batchable: .* leave batchable out"),
    (bad_no_hint, r"parameter 'items' has no hint: write list\[T\], np.ndarray or pd.DataFrame"),
    (bad_hint, r"parameter 'items' has dict.*: write list\[T\], np.ndarray or pd.DataFrame"),
    (bad_two, "is batchable and takes 2 parameters: it takes one, the batch"),
    (bad_none, "is batchable and takes 0 parameters: it takes one, the batch"),
    (bad_frame, r"takes a DataFrame: give @minibento.method\(batchable=True, example=frame\)"),
    (bad_example, "takes a DataFrame, its example is list"),
    (bad_empty_example, "Bad.go: example_input has no rows"),
    (bad_name, "the name of a runner method begins with a letter"),
    (bad_self, r"takes 'items' first and no self: write def go\(self, items, ...\)"),
    (bad_import, "names something unknown: name 'Decimal' is not defined; import it outside of"),
    (bad_unmarked, "Bad has no runner method: mark one with @minibento.method"),
]


@pytest.mark.parametrize(
    ("declared", "message"), BAD, ids=lambda part: getattr(part, "__name__", "")
)
def test_a_declaration_that_cannot_work_is_refused_with_its_mend(
    declared: Any, message: str
) -> None:
    with pytest.raises(DeclarationError, match=message):
        Runner(declared())


def test_marking_what_is_no_function_is_refused() -> None:
    with pytest.raises(DeclarationError, match="marks a method, got 5"):
        method(5)  # type: ignore[call-overload]
