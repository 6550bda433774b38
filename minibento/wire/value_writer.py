"""The sending half of `wire.values`: replaces what msgpack does not know by extension records."""

import dataclasses
import enum
import sys
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any

import msgspec
import numpy as np

from minibento.errors import CannotCross
from minibento.wire.extensions import Ext

__all__ = ["PLAIN", "Writer"]

PLAIN = frozenset({NoneType, bool, int, float, str, bytes})
_STRING_KEYS = frozenset({str})
_ENCODER = msgspec.msgpack.Encoder()
# What a subclass's object holds, whatever its own __str__ and the like say.
_EXACT: dict[type, Any] = {
    str: str.__str__,
    bytes: lambda value: bytes(memoryview(value)),
    int: int.__int__,
    float: float.__float__,
}
_IMAGE_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I", "I;16", "F"})


class Writer:
    """Walks one value and replaces what msgpack does not know by extension records."""

    __slots__ = ("big_ints", "buffers", "inline", "where")

    def __init__(self, where: str, inline: float, *, big_ints: bool = False) -> None:
        self.where = where
        self.inline = inline
        self.big_ints = big_ints
        self.buffers: list[memoryview | bytearray] = []

    def plain(self, value: Any) -> Any:
        kind = type(value)
        if kind in PLAIN:
            if self.big_ints and kind is int and not -(2**63) <= value < 2**64:
                return self._ext(Ext.BIG_INT, hex(value))
            return value
        if kind is dict:
            return self._mapping(value)
        if kind is list or kind is tuple:
            if not self.big_ints and PLAIN.issuperset(map(type, value)):
                return value
            return [self.plain(item) for item in value]
        if kind is np.ndarray:
            return self._array(value)
        return self._other(value)

    def _mapping(self, value: Mapping[Any, Any]) -> Mapping[str, Any]:
        if not _STRING_KEYS.issuperset(map(type, value)):
            value = {self._key(key): item for key, item in value.items()}
        return self._values(value)

    def _values(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """A mapping whose keys are known to be texts."""
        if not self.big_ints and PLAIN.issuperset(map(type, value.values())):
            return value
        return {key: self.plain(item) for key, item in value.items()}

    def _key(self, key: Any) -> str:
        """The text of a key that is not exactly a str."""
        text = key.value if isinstance(key, enum.Enum) else key
        if not isinstance(text, str):
            raise self._refused(
                f"a dict with the key {key!r} of type {type(key).__name__}", "str(key)"
            )
        return str.__str__(text)

    def _other(self, value: Any) -> Any:
        kind = type(value)
        if _is_pydantic(kind):  # type: ignore[arg-type]  # mypy takes type[Any] for unhashable
            return self._pydantic(value)
        if isinstance(value, enum.Enum):
            return self.plain(value.value)
        if isinstance(value, np.generic):
            return self._scalar(value)
        if dataclasses.is_dataclass(kind):
            return self._mapping({f.name: getattr(value, f.name) for f in dataclasses.fields(kind)})
        for write in (self._library, self._subclass):
            found = write(value)
            if found is not None:
                return found
        raise self._refused(f"a {kind.__module__}.{kind.__qualname__}", _mend(kind))

    def _subclass(self, value: Any) -> Any:
        """Subclasses of built-in types cross as what they extend."""
        if isinstance(value, datetime):
            return self._ext(Ext.DATETIME, [value.isoformat(), value.fold])
        if isinstance(value, np.ndarray):
            if isinstance(value, np.ma.MaskedArray):
                raise self._refused("a masked array", "array.filled(...)")
            return self._array(np.asarray(value))
        if isinstance(value, dict):
            return self._mapping(dict(value))
        for base, exact in _EXACT.items():
            if isinstance(value, base):
                return self.plain(exact(value))
        if isinstance(value, list | tuple):
            return [self.plain(item) for item in value]
        if isinstance(value, bytearray | memoryview):
            return bytes(value)
        return None

    def _library(self, value: Any) -> Any:
        """Objects of libraries, which are only asked about once somebody has imported them."""
        modules = sys.modules
        if (pandas := modules.get("pandas")) is not None:
            if isinstance(value, pandas.DataFrame):
                return self._frame(value)
            if isinstance(value, pandas.Series):
                return self._series(value)
            if value is pandas.NA or value is pandas.NaT:
                raise self._refused(f"a {value!r}", "None")
            if isinstance(value, pandas.Timestamp) and value.nanosecond:
                raise self._refused("a pandas.Timestamp with nanoseconds", "value.to_datetime64()")
        if (sparse := modules.get("scipy.sparse")) is not None and sparse.issparse(value):
            return self._sparse(value, sparse)
        if (torch := modules.get("torch")) is not None and isinstance(value, torch.Tensor):
            return self._tensor(value)
        if (image := modules.get("PIL.Image")) is not None and isinstance(value, image.Image):
            return self._image(value)
        return None

    def _pydantic(self, value: Any) -> Any:
        fields = type(value).__pydantic_fields__
        if getattr(type(value), "__pydantic_root_model__", False):
            return self.plain(value.root)
        found = value.__dict__
        if found.keys() != fields.keys():  # a cached_property lives there too
            found = {name: found[name] for name in fields if name in found}
        if extra := value.__pydantic_extra__:
            found = {**found, **extra}
        return self._values(found)

    def _array(self, value: np.ndarray[Any, Any]) -> Any:
        if value.dtype.hasobject:
            if value.dtype != object:
                raise self._refused(f"an array of dtype {value.dtype}", "one array per field")
            record = [None, value.shape, [self.plain(item) for item in value.ravel().tolist()]]
            return msgspec.msgpack.Ext(int(Ext.ARRAY), _ENCODER.encode(record))
        dtype = value.dtype.str if value.dtype.names is None else value.dtype.descr
        if value.nbytes < self.inline:
            return self._ext(Ext.ARRAY, [dtype, value.shape, value.tobytes()])
        # Viewed as bytes first: memoryview knows neither datetime64 nor float16 nor big-endian.
        flat = np.ascontiguousarray(value).reshape(-1).view(np.uint8)
        self.buffers.append(flat.data)
        return self._ext(Ext.ARRAY, [dtype, value.shape, len(self.buffers) - 1])

    def _scalar(self, value: np.generic) -> Any:
        if isinstance(value, np.str_ | np.bytes_):
            return value.item()
        if value.dtype.hasobject or value.dtype.names is not None:
            raise self._refused(f"a numpy scalar of dtype {value.dtype}", "its .item()")
        return self._ext(Ext.SCALAR, [value.dtype.str, value.tobytes()])

    def _sparse(self, value: Any, sparse: Any) -> Any:
        if value.format != "csr":
            raise self._refused(f"a sparse matrix in {value.format} format", ".tocsr()")
        kind = "array" if isinstance(value, sparse.sparray) else "matrix"
        parts = [self._array(part) for part in (value.data, value.indices, value.indptr)]
        return self._ext(Ext.SPARSE, [kind, value.shape, *parts])

    def _tensor(self, value: Any) -> Any:
        if value.device.type != "cpu":
            raise self._refused(f"a tensor on {value.device}", "tensor.cpu()")
        return self._array(value.detach().numpy())

    def _frame(self, value: Any) -> Any:
        columns = [self._column(value.iloc[:, index]) for index in range(value.shape[1])]
        names = [self.plain(name) for name in value.columns]
        return self._ext(Ext.FRAME, [names, columns, self._index(value.index), len(value)])

    def _series(self, value: Any) -> Any:
        name = self.plain(value.name)
        return self._ext(Ext.SERIES, [name, self._column(value), self._index(value.index)])

    def _index(self, index: Any) -> Any:
        """None for 0, 1, 2, ...; else the labels as a column."""
        pandas = sys.modules["pandas"]
        if isinstance(index, pandas.RangeIndex) and index.start == 0 and index.step == 1:
            return None
        if isinstance(index, pandas.MultiIndex):
            raise self._refused("a frame with a MultiIndex", "frame.reset_index()")
        return self._column(index.to_series())

    def _column(self, column: Any) -> list[Any]:
        """[dtype, values] or, for a categorical, [dtype, codes, categories, ordered]."""
        dtype = column.dtype
        if isinstance(dtype, np.dtype) and not dtype.hasobject:
            return [dtype.str, self._array(column.to_numpy())]
        if dtype.name == "category":
            categories = self.plain(column.cat.categories.tolist())
            return ["category", self._array(column.cat.codes.to_numpy()), categories, dtype.ordered]
        if getattr(dtype, "tz", None) is not None:
            utc = column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
            return [str(dtype), self._array(utc)]
        missing = column.isna().tolist()
        values = [
            None if gone else value for value, gone in zip(column.tolist(), missing, strict=True)
        ]
        return [str(dtype), [self.plain(value) for value in values]]

    def _image(self, value: Any) -> Any:
        if value.mode not in _IMAGE_MODES:
            raise self._refused(f"a PIL image of mode {value.mode}", "image.convert('RGB')")
        pixels = np.frombuffer(value.tobytes(), dtype=np.uint8)
        palette = value.palette.tobytes() if value.mode == "P" else None
        return self._ext(Ext.IMAGE, [value.mode, value.size, self._array(pixels), palette])

    def _ext(self, code: int, record: Any) -> msgspec.msgpack.Ext:
        return msgspec.msgpack.Ext(int(code), _ENCODER.encode(record))

    def _refused(self, what: str, mend: str) -> CannotCross:
        return CannotCross(
            f"{self.where or 'the call'}: {what} cannot cross to a runner or back: "
            f"use {mend} instead"
        )


@lru_cache(maxsize=1024)
def _is_pydantic(kind: type) -> bool:
    """Asked for each item of a typed service; the classes are few and looking is slow."""
    return hasattr(kind, "__pydantic_fields__") and not dataclasses.is_dataclass(kind)


def _mend(kind: type) -> str:
    """What to pass instead of an object of a type that is often tried."""
    known = {
        "set": "sorted(value) or list(value)",
        "frozenset": "sorted(value) or list(value)",
        "date": "value.isoformat()",
        "time": "value.isoformat()",
        "timedelta": "value.total_seconds()",
        "Decimal": "float(value) or str(value)",
        "UUID": "str(value)",
        "complex": "[value.real, value.imag]",
        "generator": "list(value)",
        "Period": "value.to_timestamp() or str(value)",
        "Interval": "[value.left, value.right]",
        "DMatrix": "the array it was made from",
    }
    fallback = "numbers, text, bytes, lists, dicts, datetimes, arrays, frames or images"
    return known.get(kind.__name__, fallback)
