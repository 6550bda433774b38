"""Items that are one row of a frame: each cell checked alone, dtypes as recorded."""

import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel
from scipy.sparse import csr_matrix

from minibento.batching.describe import describe
from minibento.batching.rows import Rows, rows
from minibento.errors import ItemError, MissingLibrary

EXAMPLE = pd.DataFrame(
    {
        "age": pd.Series([30, 40], dtype="int16"),
        "income": [1000.0, None],
        "ratio": pd.Series([0.5, 1.5], dtype="float32"),
        "owner": [True, False],
        "home": pd.Series(["rent", None], dtype=pd.CategoricalDtype(["rent", "owner"])),
        "job": pd.Series(["baker", None], dtype="str"),
        "debt": pd.Series([1, None], dtype="Int64"),
        "agrees": pd.Series([True, None], dtype="boolean"),
        "since": pd.Series([pd.Timestamp(2026, 1, 31), None], dtype="datetime64[us]"),
        "seen": pd.Series([datetime(2026, 1, 31, tzinfo=UTC), None], dtype="datetime64[ns, UTC]"),
        "note": pd.Series([1, "a"], dtype="object"),
    }
)
ROW: dict[str, Any] = {
    "age": 35,
    "income": 1500,
    "ratio": 0.25,
    "owner": False,
    "home": "owner",
    "job": "smith",
    "debt": 5,
    "agrees": True,
    "since": "2026-01-31T12:00:00",
    "seen": "2026-01-31T12:00:00+02:00",
    "note": ["anything"],
}


@pytest.fixture
def taking() -> Rows:
    return rows(describe(EXAMPLE), "predict")


def test_a_batch_has_the_columns_and_dtypes_of_the_example(taking: Rows) -> None:
    nothing = ROW | dict.fromkeys(["income", "home", "job", "debt", "agrees", "since", "seen"])
    for batch in ([ROW], [nothing], [ROW, nothing]):
        frame = taking.collate([taking.check(row) for row in batch])
        assert list(frame.columns) == list(EXAMPLE.columns)
        assert frame.dtypes.tolist() == EXAMPLE.dtypes.tolist()


def test_every_value_arrives_in_its_cell(taking: Rows) -> None:
    [row] = taking.collate([taking.check(ROW)]).to_dict("records")
    assert row == ROW | {
        "since": pd.Timestamp("2026-01-31T12:00:00"),
        "seen": pd.Timestamp("2026-01-31T10:00:00", tz="UTC"),
    }


def test_the_rows_of_the_example_itself_are_taken(taking: Rows) -> None:
    checked = [taking.check(row) for row in taking.unstack(EXAMPLE)]
    pd.testing.assert_frame_equal(taking.collate(checked), EXAMPLE)
    one = taking.collate([taking.check(EXAMPLE.iloc[0])])
    pd.testing.assert_frame_equal(one, EXAMPLE.iloc[:1])


BAD: list[tuple[str, Any, str]] = [
    ("age", None, "a whole number, got null"),
    ("age", 1.5, "a whole number, got 1.5"),
    ("age", float("nan"), "a whole number, got nan"),
    ("age", float("inf"), "a whole number, got inf"),
    ("age", True, "a whole number, got true"),
    ("age", 40_000, "a whole number from -32768 to 32767, got 40000"),
    ("age", 10**5000, "a whole number from -32768 to 32767, got an integer of 16610 bits"),
    ("income", "12", "a number or null, got '12'"),
    ("income", False, "a number or null, got false"),
    ("income", 10**400, "a number that fits into a float64, got an integer of 1329 bits"),
    ("income", 10**5000, "a number that fits into a float64, got an integer of 16610 bits"),
    ("ratio", 1e300, "a number that fits into a float32, got 1e+300"),
    ("owner", None, "true or false, got null"),
    ("owner", 1, "true or false, got 1"),
    ("home", "tent", "one of 'rent', 'owner', got 'tent'"),
    ("home", ["rent"], "one of 'rent', 'owner', got [\"rent\"]"),
    ("job", 7, "text or null, got 7"),
    ("job", {"a": "x" * 99}, 'text or null, got {"a": "xxxx'),
    ("debt", "5", "a whole number, got '5'"),
    ("agrees", "yes", "true or false, got 'yes'"),
    ("since", "yesterday", "a date and time without an offset such as 2026-01-31T12:00:00, or"),
    ("since", "2026-01-31T12:00:00+02:00", "a date and time without an offset"),
    ("since", 1769860800, "a date and time without an offset"),
    (
        "seen",
        "2026-01-31T12:00:00",
        "a date and time with an offset such as 2026-01-31T12:00:00+00",
    ),
    ("seen", "0001-01-31T12:00:00+00:00", "a date and time with an offset"),
]


@pytest.mark.parametrize(("name", "value", "takes"), BAD, ids=range(len(BAD)))
def test_a_bad_cell_is_its_items_error_and_names_the_column(
    taking: Rows, name: str, value: Any, takes: str
) -> None:
    with pytest.raises(ItemError) as caught:
        taking.check(ROW | {name: value})
    assert str(caught.value).startswith(f"predict: column {name!r} takes {takes}")
    assert caught.value.field == name
    assert len(str(caught.value)) < 200


def test_numbers_of_numpy_and_infinity_are_numbers(taking: Rows) -> None:
    row = ROW | {"age": np.int64(3), "income": float("inf"), "ratio": np.float64("nan")}
    frame = taking.collate([taking.check(row)])
    assert frame["age"].tolist() == [3]
    assert frame["income"].tolist() == [float("inf")]


def test_a_missing_column_is_named_with_what_was_perhaps_meant(taking: Rows) -> None:
    row = {("incomme" if name == "income" else name): value for name, value in ROW.items()}
    with pytest.raises(ItemError) as caught:
        taking.check(row)
    assert str(caught.value) == "predict: column 'income' is missing (got 'incomme')"
    assert caught.value.field == "income"


def test_a_column_too_many_is_named_with_those_there_are(taking: Rows) -> None:
    with pytest.raises(ItemError, match=r"'extra' is not one of the model's columns: age, income"):
        taking.check(ROW | {"extra": 1})


@pytest.mark.parametrize("item", [[1, 2], "abc", 7, None], ids=str)
def test_what_is_no_mapping_is_refused_with_the_columns(taking: Rows, item: Any) -> None:
    with pytest.raises(ItemError, match="takes one row as a dict with the columns age, income"):
        taking.check(item)


def test_a_whole_frame_is_refused_before_it_is_sent(taking: Rows) -> None:
    with pytest.raises(ItemError, match=r"got shape \(2, 11\): pass x.iloc\[0\], or predict.batch"):
        taking.check_rank(EXAMPLE)


@pytest.mark.parametrize("item", [np.zeros((2, 11)), csr_matrix((1, 11))], ids=["array", "sparse"])
def test_a_whole_table_of_another_kind_is_refused_before_it_is_sent(
    taking: Rows, item: Any
) -> None:
    with pytest.raises(ItemError, match=r"takes one row, got shape \(., 11\)"):
        taking.check_rank(item)


class Table(BaseModel):
    """A row of one's own, with fields that are called as a frame's parts are."""

    columns: int = 4
    ndim: int = 2
    shape: str = "round"


@pytest.mark.parametrize(
    "item", [Table(), Table().model_dump(), pd.Series({"columns": 4, "legs": 4})], ids=type
)
def test_a_row_with_a_field_called_columns_is_one_row(item: Any) -> None:
    rows(describe(pd.DataFrame([{"columns": 4, "legs": 4}])), "predict").check_rank(item)


def test_without_pandas_the_error_has_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = describe(EXAMPLE)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingLibrary, match=r"^predict with frames needs .*'minibento\[pandas\]'"):
        rows(spec, "predict")
