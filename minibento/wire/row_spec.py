"""How one item of a batchable method looks and how many become a batch, as plain data.

Recorded in a model's manifest and handed to runner workers; knows neither arrays nor frames.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

__all__ = ["Column", "RowKind", "RowSpec"]

RowKind = Literal["auto", "list", "array", "frame"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a frame: its name, pandas dtype as text, and a categorical's categories."""

    name: str
    dtype: str
    categories: tuple[Any, ...] | None = None
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class RowSpec:
    """How items of one method are checked alone and stacked together.

    Attributes:
        kind: `list`: a batch is a list of items. `array`: items are arrays of `shape` (None in it:
            free) stacked along a new first axis. `frame`: items are one row each of a pandas frame
            with `columns`. `auto`: by the item: mappings into a list of dicts, arrays stacked,
            one-row sparse matrices stacked sparse.
        dtype: numpy dtype as text (`float32`) that arrays are built to; None: as they come.
        shape: Shape of one item of kind `array`, without the batch axis; None: not known.
        columns: Columns of kind `frame`, in order.
        item: `str` where each item of kind `list` is a text; None: anything.
    """

    kind: RowKind = "auto"
    dtype: str | None = None
    shape: tuple[int | None, ...] | None = None
    columns: tuple[Column, ...] = field(default=())
    item: Literal["str"] | None = None

    def to_json(self) -> dict[str, Any]:
        """The spec as JSON-able data; what a model can do without is left out of its manifest."""
        data = asdict(self)
        if self.item is None:
            del data["item"]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "RowSpec":
        """The spec that `to_json` wrote."""
        if data["kind"] not in get_args(RowKind):
            raise ValueError(f"row kind {data['kind']!r} is not one of {get_args(RowKind)}")
        if data.get("item") not in {None, "str"}:
            raise ValueError(f"row item {data['item']!r} is not 'str'")
        shape = data.get("shape")
        return cls(
            kind=data["kind"],
            dtype=data.get("dtype"),
            item=data.get("item"),
            shape=None if shape is None else tuple(shape),
            columns=tuple(
                Column(
                    name=column["name"],
                    dtype=column["dtype"],
                    categories=None
                    if column.get("categories") is None
                    else tuple(column["categories"]),
                    ordered=column.get("ordered", False),
                )
                for column in data.get("columns", ())
            ),
        )
