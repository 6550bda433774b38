"""From recorded rows to a hint."""

from datetime import UTC, datetime

import numpy as np
import pytest

from minibento.cli.input_type import input_type
from minibento.wire.row_spec import Column, RowSpec


@pytest.mark.parametrize(
    ("dtype", "hint"),
    [
        ("int64", "int"),
        ("uint8", "int"),
        ("float32", "float"),
        ("bool", "bool"),
        ("object", "str"),
        ("str", "str"),
        ("datetime64[ns]", "datetime"),
        ("complex128", "Any"),
    ],
)
def test_a_columns_dtype_gives_its_hint(dtype: str, hint: str) -> None:
    made = input_type(RowSpec("frame", columns=(Column("a", dtype),)), None, "Row")
    assert f"    a: {hint}\n" in made.declaration


def test_few_text_categories_are_a_literal_and_many_are_text() -> None:
    few = Column("a", "category", ("x", "y"))
    many = Column("a", "category", tuple(f"c{index}" for index in range(50)))
    assert (
        'a: Literal["x", "y"]'
        in input_type(RowSpec("frame", columns=(few,)), None, "R").declaration
    )
    assert "a: str" in input_type(RowSpec("frame", columns=(many,)), None, "R").declaration


@pytest.mark.parametrize(
    ("categories", "hint"),
    [
        ((1, 3), "Literal[1, 3]"),
        ((True, False), "Literal[True, False]"),
        (("x", 1), 'Literal["x", 1]'),
        ((0.5, 1.5), "float"),
        ((1, 2.5), "int | float"),
        (("x", 0.5), "str | float"),
        (tuple(range(50)), "int"),
        ((None,), "Any"),
    ],
)
def test_categories_that_are_no_texts_give_their_own_types(
    categories: tuple[object, ...], hint: str
) -> None:
    column = Column("a", "category", categories)
    made = input_type(RowSpec("frame", columns=(column,)), None, "R")
    assert f"    a: {hint}\n" in made.declaration


@pytest.mark.parametrize(
    ("example", "hint"),
    [
        (["a", "b"], "str"),
        ([1, 2], "int"),
        ([1, 2.5], "float"),
        ([1.5, None], "float | None"),
        ([True], "bool"),
        ([["a"], ["b"]], "Any"),
        (["a", 1], "Any"),
        (None, "Any"),
    ],
)
def test_items_that_are_one_value_give_its_hint(example: list[object] | None, hint: str) -> None:
    assert input_type(RowSpec("list"), example, "Row").hint == hint


def test_keys_that_differ_from_row_to_row_are_all_fields() -> None:
    made = input_type(RowSpec("list"), [{"a": 1}, {"b": "x"}], "Row")
    assert "    a: int | None\n    b: str | None\n" in made.declaration


def test_an_arrays_shape_and_dtype_give_a_nested_list() -> None:
    image = input_type(RowSpec("array", "uint8", (28, 28)), None, "Row")
    assert "Annotated[list[list[int]], Field(min_length=28, max_length=28)]" in image.declaration
    free = input_type(RowSpec("array", "float32", (None,)), None, "Row")
    assert (free.hint, free.declaration) == ("list[float]", "")


def test_the_example_is_json_with_null_for_what_is_missing() -> None:
    example = [{"a": np.float64("nan"), "b": np.int64(3), "c": datetime(2026, 1, 2, tzinfo=UTC)}]
    made = input_type(RowSpec("list"), example, "Row")
    assert made.example == {"a": None, "b": 3, "c": "2026-01-02T00:00:00+00:00"}
