"""Names and literals of generated code."""

import ast
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minibento.cli.source_text import class_name, field_name, literal

FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | FINITE | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_a_literal_reads_back_as_the_value(value: object) -> None:
    assert ast.literal_eval(literal(value)) == value


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("credit-risk", "CreditRisk"),
        ("credit_risk", "CreditRisk"),
        ("CreditRisk", "CreditRisk"),
        ("2026 model", "Service2026Model"),
        ("", "Service"),
        ("any", "ServiceAny"),
        ("\u00e9t\u00e9", "T"),
    ],
)
def test_a_folders_name_becomes_a_class_name(text: str, name: str) -> None:
    assert class_name(text) == name


@given(st.text())
def test_any_folder_name_gives_a_class_name(text: str) -> None:
    name = class_name(text)
    assert name.isidentifier()
    assert not keyword.iskeyword(name)


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("income", "income"),
        ("sepal length (cm)", "sepal_length_cm"),
        ("class", "class_"),
        ("copy", "copy_"),
        ("model_year", "column_model_year"),
        ("_private", "private"),
        ("1st", "column_1st"),
        ("\u20ac", "column"),
    ],
)
def test_a_column_becomes_a_field_name(column: str, name: str) -> None:
    assert field_name(column, []) == name


@given(st.lists(st.text(), max_size=8))
def test_field_names_differ_and_can_be_fields(columns: list[str]) -> None:
    names: list[str] = []
    for column in columns:
        names.append(field_name(column, names))
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in names)
    assert not any(name.startswith("_") for name in names)
