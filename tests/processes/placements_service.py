"""A service whose two runners are the same class: `here` is embedded, `there` is a process.

Every case is called on both, and what came back is told in words that hide nothing.
"""

import asyncio
import contextlib
import dataclasses
import enum
import hashlib
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pydantic
import scipy.sparse
from PIL import Image

import minibento


class Home(enum.Enum):
    """A home."""

    OWNER = "owner"
    RENT = "rent"


class Row(pydantic.BaseModel):
    """A row with an alias and an enum."""

    income: float = pydantic.Field(alias="Income")
    home: Home = Home.RENT


@dataclasses.dataclass
class Point:
    """With a tuple in it."""

    x: int
    pair: tuple[int, str] = (1, "a")


class Strange:
    """Crosses nowhere."""

    def __repr__(self) -> str:
        return "<strange>"


ANSWERS: dict[str, Callable[[], Any]] = {
    "object": Strange,
    "set": lambda: {1, 2},
    "lambda": lambda: len,
    "lone surrogate": lambda: "\ud800",
    "keys of int": lambda: {1: 2},
    "array of objects": lambda: np.array([Strange()], dtype=object),
    "deep list": lambda: _deep(5000),
    "dataclass": lambda: Point(3),
    "pydantic": lambda: Row(Income=3.5),
    "item error": lambda: minibento.ItemError("bad item", status=418, field="age"),
}


def _deep(depth: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


class Model:
    """One method of each kind."""

    @minibento.method
    def echo(self, value: Any) -> Any:
        """As it came."""
        return value

    @minibento.method
    def shown(self, value: Any) -> str:
        """As it looks to the model."""
        return told(value)

    @minibento.method
    def row(self, row: Row, point: Point, homes: tuple[Home, ...]) -> tuple[Row, Point, Home]:
        """Rebuilt from the hints, both ways."""
        return row, point, homes[0]

    @minibento.method
    def answer(self, name: str) -> Any:
        """Something of its own."""
        return ANSWERS[name]()

    @minibento.method
    def fail(self, how: str) -> int:
        """Raise."""
        if how == "item":
            raise minibento.ItemError("no such city", status=422, field="city")
        if how == "exit":
            raise SystemExit(3)
        if how == "key":
            return dict[str, int]()["missing"]
        raise ValueError(how)

    @minibento.method
    def wrong(self) -> int:
        """Not what the hint says."""
        return "text"  # type: ignore[return-value]

    @minibento.method
    def stream(self, count: int) -> Iterator[Any]:
        """Numbers and arrays; 3 raises after two."""
        for number in range(count):
            if number == 2 and count == 3:
                raise minibento.ItemError("no third")
            yield {"number": number, "array": np.full(3, number)}

    @minibento.method(batchable=True)
    def double(self, items: list[Any]) -> list[Any]:
        """Items one by one."""
        if any(item == "bad" for item in items):
            raise ValueError("bad")
        if any(item == "short" for item in items):
            return []
        return [item * 2 for item in items]

    @minibento.method(batchable=True)
    def sums(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Rows as an array, which it may write into."""
        rows += 1
        return rows.sum(axis=1)  # type: ignore[no-any-return]

    @minibento.method(
        batchable=True,
        example=pd.DataFrame({"age": [1], "home": pd.Categorical(["rent"], ["own", "rent"])}),
    )
    def frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows as a frame."""
        return frame.assign(old=frame["age"] > 60)


Case = tuple[str, tuple[Any, ...]]


def _values() -> dict[str, Any]:
    generator = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "i": [1, 2],
            "f": [0.5, np.nan],
            "s": ["a", None],
            "c": pd.Categorical(["x", "y"], categories=["y", "x"], ordered=True),
            "t": pd.to_datetime(pd.Series(["2026-01-01", None])).array,
            "z": pd.to_datetime(["2026-01-01", "2026-06-01"]).tz_localize("Europe/Berlin"),
            "n": pd.array([1, None], dtype="Int64"),
            "b": [True, False],
        },
        index=pd.Index(["p", "q"], name="key"),
    )
    values: dict[str, Any] = {
        "None": None,
        "True": True,
        "int": -(2**63),
        "int of 64 bits": 2**64 - 1,
        "int of 65 bits": 2**64,
        "float": 0.1,
        "nan": math.nan,
        "minus infinity": -math.inf,
        "minus zero": -0.0,
        "str": "größe \U0001f600 \x00",
        "lone surrogate": "a\ud800",
        "bytes": b"\x00\xff",
        "bytearray": bytearray(b"ab"),
        "long bytes": b"x" * 100_000,
        "list": [1, [2.5, ["x", None]], {}],
        "tuple": (1, (2, "x")),
        "set": {1},
        "frozenset": frozenset({1}),
        "dict": {"a": {"b": [1]}, "": 2},
        "keys of int": {1: "x"},
        "deep list": _deep(2000),
        "naive datetime": datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001 - a row of the table
        "aware datetime": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "date": date(2026, 1, 2),
        "time": time(1, 2, 3),
        "timedelta": timedelta(1),
        "Decimal": Decimal("1.5"),
        "UUID": UUID(int=7),
        "Path": Path("x"),
        "complex": 1j,
        "enum": Home.RENT,
        "pydantic": Row(Income=1.5, home=Home.OWNER),
        "dataclass": Point(1),
        "object": Strange(),
        "class": Strange,
        "function": len,
        "empty array": np.zeros((0, 3), dtype=np.float32),
        "array of no dimension": np.array(2.5),
        "Fortran array": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "strided array": np.arange(20)[::3],
        "large array": generator.random((300, 300)),
        "large strided array": generator.random((300, 300))[::2, ::-1],
        "array of text": np.array(["a", "größe"]),
        "array of bytes": np.array([b"a", b"bcd"]),
        "array of objects": np.array(["a", None, 1], dtype=object),
        "array of strange objects": np.array([Strange()], dtype=object),
        "structured array": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "array of other byte order": np.arange(3, dtype=">i4"),
        "array of dates": np.array(["2026-01-01", "NaT"], dtype="datetime64[D]"),
        "masked array": np.ma.masked_array([1, 2], mask=[False, True]),
        "matrix": np.asmatrix([[1, 2]]),
        "scalar": np.float32(0.1),
        "bool scalar": np.bool_(1),
        "date scalar": np.datetime64("2026-01-01T00:00:00"),
        "sparse rows": scipy.sparse.csr_matrix(np.eye(3)),
        "sparse array": scipy.sparse.csr_array(np.eye(3, dtype=np.float32)),
        "sparse columns": scipy.sparse.csc_matrix(np.eye(3)),
        "frame": frame,
        "empty frame": frame.iloc[:0],
        "frame of several levels": frame.set_index(["i", "f"]),
        "frame with equal names": pd.concat([frame[["i"]], frame[["i"]]], axis=1),
        "series": frame["c"],
        "series of dates": frame["t"],
        "timestamp": pd.Timestamp("2026-01-01", tz="UTC"),
        "NaT": pd.NaT,
        "NA": pd.NA,
        "image": Image.fromarray(generator.integers(0, 255, (8, 9, 3), dtype=np.uint8)),
        "grey image": Image.new("L", (300, 300), 7),
        "palette image": Image.new("P", (4, 4)),
    }
    for kind in (
        "?",
        "i1",
        "u1",
        "i2",
        "u2",
        "i4",
        "u4",
        "i8",
        "u8",
        "f2",
        "f4",
        "f8",
        "c8",
        "c16",
    ):
        values[f"array of {kind}"] = np.array([[0, 1], [1, 0]], dtype=kind)
    return values


VALUES = _values()
CALLS: dict[str, tuple[str, tuple[Any, ...]]] = {
    **{f"echo {name}": ("echo", (value,)) for name, value in VALUES.items()},
    **{f"shown {name}": ("shown", (value,)) for name, value in VALUES.items()},
    **{f"in a list {name}": ("echo", ([value, {"v": value}],)) for name, value in VALUES.items()},
    **{f"answer {name}": ("answer", (name,)) for name in ANSWERS},
    **{f"fail {how}": ("fail", (how,)) for how in ("item", "exit", "key", "value")},
    "hints": ("row", (Row(Income=1), Point(2), (Home.OWNER, Home.RENT))),
    "hints, as plain data": ("row", ({"Income": 1}, {"x": 2}, ["owner"])),
    "hints, wrong": ("row", ({"Income": "much"}, {"x": 2}, ["castle"])),
    "too few arguments": ("row", (Row(Income=1),)),
    "too many arguments": ("echo", (1, 2)),
    "not what the hint says": ("wrong", ()),
    "an item": ("double", (21,)),
    "an item that fails": ("double", ("bad",)),
    "too few results": ("double", ("short",)),
    "an item that cannot be doubled": ("double", ({},)),
    "a row": ("sums", (np.arange(3.0),)),
    "a row of many numbers": ("sums", (np.arange(20_000.0),)),
    "a row as a list": ("sums", ([1.0, 2.0],)),
    "a row of another rank": ("sums", (np.ones((2, 2, 2)),)),
    "a row of text": ("sums", (["a"],)),
    "a frame's row": ("frame", ({"age": 70, "home": "rent"},)),
    "a frame's row that lacks a field": ("frame", ({"age": 70},)),
    "a frame's row with one more": ("frame", ({"age": 70, "home": "rent", "x": 1},)),
    "a frame's row of text": ("frame", ({"age": "old", "home": "rent"},)),
    "a frame's row of another category": ("frame", ({"age": 1, "home": "tent"},)),
    "a frame's row with None": ("frame", ({"age": None, "home": "rent"},)),
}
_FRAME = pd.DataFrame({"age": [70, 3], "home": ["rent", "own"]})
BATCHES: dict[str, tuple[str, Any]] = {
    "items": ("double", [1, "x", 2.5, [1]]),
    "no items": ("double", []),
    "a bad item among good ones": ("double", [1, "bad", 3]),
    "too few results of many": ("double", [1, "short"]),
    "what is no list": ("double", 7),
    "rows": ("sums", np.ones((5, 3))),
    "rows of float32": ("sums", np.ones((5, 3), dtype=np.float32)),
    "sparse rows": ("sums", scipy.sparse.csr_matrix(np.eye(3))),
    "lists": ("sums", [[1.0, 2.0], [3.0, 4.0]]),
    "lists of unequal lengths": ("sums", [[1.0, 2.0], [3.0]]),
    "a frame": ("frame", _FRAME),
    "a frame's rows": ("frame", _FRAME.to_dict("records")),
    "a frame's rows, one bad": ("frame", [{"age": 1, "home": "rent"}, {"age": 1, "home": "tent"}]),
    "a call for a method that is not batchable": ("echo", [1]),
}
STREAMS = [0, 2, 3, 40]


def told(value: Any) -> str:
    """A value with its type and all that is in it, in words."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value, np.ndarray):
        digest = repr(value.tolist()) if value.dtype == object else _digest(value.tobytes())
        order = value.flags["C_CONTIGUOUS"], value.flags["WRITEABLE"]
        return f"{kind} {value.dtype!r} {value.shape} {order} {digest}"
    if isinstance(value, pd.DataFrame | pd.Series):
        columns = value.dtypes if isinstance(value, pd.DataFrame) else [value.dtype, value.name]
        return f"{kind} {list(columns)} {value.index!r} {value.to_dict()!r}"
    if isinstance(value, scipy.sparse.csr_matrix | scipy.sparse.csr_array):
        return f"{kind} {value.dtype} {told(value.toarray())} {value.has_sorted_indices}"
    if isinstance(value, Image.Image):
        return f"{kind} {value.mode} {value.size} {_digest(value.tobytes())}"
    if isinstance(value, list | tuple) and _depth(value) < 100:
        return f"{kind} [{', '.join(map(told, value))}]"
    if isinstance(value, dict):
        return f"{kind} {{{', '.join(f'{key!r}: {told(one)}' for key, one in value.items())}}}"
    if isinstance(value, list):
        return f"{kind} {_depth(value)} deep"
    if isinstance(value, bytes | bytearray | str) and len(value) > 1000:
        return f"{kind} of {len(value)}: {hash(bytes(str(value), 'utf-8')) is not None}"
    if isinstance(value, BaseException):
        return f"{kind} {vars(value)} {value!s}"
    return f"{kind} {value!r}"


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list | tuple) and value:
        depth, value = depth + 1, value[0]
    return depth


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@minibento.service(timeout=20.0)
class Placements:
    """Calls the same on both, and tells what came."""

    here = minibento.Runner(Model, threads=1)
    there = minibento.Runner(Model, threads=1)

    @minibento.api
    async def call(self, name: str) -> list[str]:
        """One item."""
        method, arguments = CALLS[name]
        return [await _outcome(getattr(one, method)(*arguments)) for one in self._both()]

    @minibento.api
    async def batch(self, name: str, errors: bool) -> list[str]:
        """Many."""
        method, items = BATCHES[name]
        return [
            await _outcome(getattr(one, method).batch(items, return_errors=errors))
            for one in self._both()
        ]

    @minibento.api
    async def stream(self, count: int) -> list[str]:
        """Parts."""
        return [await _outcome(_parts(one.stream(count))) for one in self._both()]

    def _both(self) -> list[Any]:
        return [self.here, self.there]


async def _outcome(asked: Any) -> str:
    try:
        async with asyncio.timeout(10):
            said = told(await asked)
    except Exception as error:  # noqa: BLE001 - errors are compared too
        said = f"raised {told(error)} of {told(error.__cause__)}"
    with contextlib.suppress(UnicodeError):
        said.encode()
        return said.replace("here.", "X.").replace("tX.", "X.").replace("'there'", "'here'")
    return ascii(said)


async def _parts(stream: Any) -> list[Any]:
    parts: list[Any] = []
    try:
        async for part in stream:
            parts.append(part)  # noqa: PERF401 - what came before an error is compared too
    except minibento.ItemError as error:
        parts.append(error)
    return parts
