"""The type of a service's input, as source, from what a model recorded of its rows; imports none.

Knows row specs and examples; knows neither the model nor the files that are written.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from minibento.cli.source_text import field_name, listed, literal
from minibento.wire.row_spec import Column, RowSpec

__all__ = ["InputType", "input_type"]

_MOST_CATEGORIES = 20


@dataclass(frozen=True, slots=True)
class InputType:
    """How a service takes one row.

    Attributes:
        hint: The parameter's hint.
        declaration: Source of what the hint names; empty where it needs none.
        argument: What is handed on to the model, of a parameter `row`.
        imports: Import lines, sorted.
        example: One row as JSON-able data; None: none is known.
    """

    hint: str
    declaration: str = ""
    argument: str = "row"
    imports: tuple[str, ...] = ()
    example: Any = None


@dataclass(frozen=True, slots=True)
class _Field:
    column: str
    hint: str


def input_type(rows: RowSpec, example: Any, name: str) -> InputType:
    """The type for one row of a method.

    Args:
        rows: How the method's items look.
        example: The batch saved with the model, or None.
        name: Of the class to write, where there is one.
    """
    items = _items(example)
    first = None if not items else _json(items[0])
    if rows.kind == "frame":
        fields = [_Field(one.name, _column_hint(one, items)) for one in rows.columns]
        return _model(fields, first, name)
    if items and all(isinstance(item, Mapping) for item in items):
        names = dict.fromkeys(key for item in items for key in item)
        fields = [_Field(key, _hint([item.get(key) for item in items])) for key in names]
        return _model(fields, first, name)
    if rows.kind == "array" and rows.shape:
        return _array(rows, first, name)
    hint = _hint(items) if items else "Any"
    return InputType(hint, imports=("from typing import Any",) * (hint == "Any"), example=first)


def _items(example: Any) -> list[Any]:
    """The rows of an example batch, a frame's as dicts."""
    if example is None:
        return []
    if hasattr(example, "to_dict") and hasattr(example, "columns"):
        return list(example.to_dict("records"))
    if hasattr(example, "toarray"):
        return list(example.toarray())
    return list(example)


def _model(fields: Sequence[_Field], example: Any, name: str) -> InputType:
    """A pydantic class of these fields; a column that cannot be a field's name is its alias."""
    lines, taken = [], list[str]()
    for one in fields:
        taken.append(field_name(one.column, taken))
        alias = "" if taken[-1] == one.column else f" = Field(alias={literal(one.column)})"
        lines.append(f"    {taken[-1]}: {one.hint}{alias}\n")
    aliased = any(" = Field(" in line for line in lines)
    hints = " ".join(one.hint for one in fields)
    return InputType(
        hint=name,
        declaration=(
            f"class {name}(BaseModel):\n"
            '    """One row, with the columns that the model was saved with."""\n\n'
            '    model_config = ConfigDict(extra="forbid")\n\n' + "".join(lines)
        ),
        argument="row.model_dump(by_alias=True)" if aliased else "row.model_dump()",
        imports=_imports(hints, aliased),
        example=example,
    )


def _imports(hints: str, aliased: bool) -> tuple[str, ...]:
    typing = [one for one in ("Any", "Literal") if one in hints]
    return (
        *(("from datetime import datetime",) if "datetime" in hints else ()),
        *((f"from typing import {', '.join(typing)}",) if typing else ()),
        f"from pydantic import BaseModel, ConfigDict{', Field' if aliased else ''}",
    )


def _array(rows: RowSpec, example: Any, name: str) -> InputType:
    assert rows.shape is not None, "asked for a known shape only"
    dtype = rows.dtype or "float64"
    number = {"i": "int", "u": "int", "b": "bool"}.get(dtype[0], "float")
    hint = number
    for _ in rows.shape:
        hint = f"list[{hint}]"
    length = rows.shape[0]
    if length is None:
        return InputType(hint, example=example)
    if example is None and len(rows.shape) == 1:
        example = [0] * length if number == "int" else [0.0] * length
    bounds = f"Field(min_length={length}, max_length={length})"
    return InputType(
        hint=name,
        declaration=f"{name} = Annotated[{hint}, {bounds}]\n",
        imports=("from typing import Annotated", "from pydantic import Field"),
        example=example,
    )


def _column_hint(column: Column, items: Sequence[Mapping[str, Any]]) -> str:
    """A frame's column: its dtype says the type, its example whether it may be missing."""
    missing = any(_is_missing(item.get(column.name)) for item in items)
    return _column_type(column) + (" | None" if missing else "")


def _column_type(column: Column) -> str:
    dtype = column.dtype.lower()
    if column.categories:
        return _category_type(column.categories)
    known = {"int": "int", "uint": "int", "float": "float", "bool": "bool", "datetime": "datetime"}
    found = [hint for prefix, hint in known.items() if dtype.startswith(prefix)]
    if found:
        return found[0]
    return "str" if dtype.startswith(("object", "str", "category")) else "Any"


def _category_type(categories: Sequence[Any]) -> str:
    """The categories themselves where they are few and can stand in a Literal, else their types."""
    types = {type(one) for one in categories}
    if types <= {str, int, bool} and len(categories) <= _MOST_CATEGORIES:
        return listed("Literal[", [literal(one) for one in categories], "]", "    ")
    if not types <= {str, int, bool, float}:
        return "Any"
    return " | ".join(one.__name__ for one in (str, int, bool, float) if one in types)


def _hint(values: Sequence[Any]) -> str:
    """The narrowest hint that fits these values of one field."""
    plain = [_json(one) for one in values]
    types = {type(one) for one in plain if one is not None}
    may_miss = " | None" if None in plain else ""
    if types == {int, float}:
        types = {float}
    if len(types) != 1 or not types <= {int, float, str, bool}:
        return "Any"
    return types.pop().__name__ + may_miss


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _json(value: Any) -> Any:
    """A value of an example as JSON-able data; missing numbers as null."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if _is_missing(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    return value.isoformat() if isinstance(value, date | datetime) else value
