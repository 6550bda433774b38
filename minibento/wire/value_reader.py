"""The receiving half of `wire.values`: extension records back to arrays, frames and images."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.lib.format import descr_to_dtype

from minibento.importing import optional
from minibento.wire.extensions import Ext

__all__ = ["read"]


def read(body: bytes, buffers: Sequence[memoryview | bytearray]) -> Any:
    """Decode a message body; its large arrays become views of `buffers`."""
    return (_decoder(buffers) if buffers else _DECODER).decode(body)


def _decoder(buffers: Sequence[memoryview | bytearray]) -> Any:
    return msgspec.msgpack.Decoder(ext_hook=partial(_read_ext, buffers))


def _read_ext(buffers: Sequence[memoryview | bytearray], code: int, data: bytes) -> Any:
    return _READERS[code](read(data, buffers), buffers)


def _read_array(record: list[Any], buffers: Sequence[memoryview | bytearray]) -> Any:
    dtype, shape, source = record
    if dtype is None:
        flat = np.empty(len(source), dtype=object)
        flat[:] = source
        return flat.reshape(shape)
    # A bytearray and not bytes: the model may write into what it is given.
    raw = buffers[source] if isinstance(source, int) else bytearray(source)
    return np.ndarray(shape, _read_dtype(dtype), raw)


def _read_dtype(record: str | list[Any]) -> np.dtype[Any]:
    """A dtype from its text, or a structured one from its fields, padding included."""
    return np.dtype(record) if isinstance(record, str) else descr_to_dtype(_fields(record))


def _fields(record: list[Any]) -> list[tuple[Any, ...]]:
    """The fields as numpy wants them, in the tuples that msgpack made lists of."""
    return [
        (name, inner if isinstance(inner, str) else _fields(inner), *map(tuple, shape))
        for name, inner, *shape in record
    ]


def _read_sparse(record: list[Any], _buffers: object) -> Any:
    from scipy import sparse

    kind, shape, data, indices, indptr = record
    make = sparse.csr_array if kind == "array" else sparse.csr_matrix
    made = make((data, indices, indptr), shape=tuple(shape))
    # scipy checks the rest, and computes with these unseen: others crash the process.
    inside = not indices.size or (indices.min() >= 0 and indices.max() < made.shape[1])
    if not inside or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"a sparse matrix of shape {made.shape} has entries outside of it")
    return made


def _read_column(record: list[Any], pandas: Any) -> Any:
    dtype, values, *rest = record
    if dtype == "category":
        categories, ordered = rest
        return pandas.Categorical.from_codes(values, categories=categories, ordered=ordered)
    if isinstance(values, np.ndarray) and ", " in dtype:  # datetime64[us, Europe/Madrid]
        return pandas.Series(values).dt.tz_localize("UTC").astype(dtype).array
    return pandas.Series(values, dtype=dtype).array


def _pandas() -> Any:
    return optional("pandas", purpose="reading a frame")


def _read_frame(record: list[Any], _buffers: object) -> Any:
    pandas = _pandas()
    names, columns, index, length = record
    labels = (
        pandas.RangeIndex(length) if index is None else pandas.Index(_read_column(index, pandas))
    )
    arrays = dict(enumerate(_read_column(column, pandas) for column in columns))
    frame = pandas.DataFrame(arrays, index=labels)
    frame.columns = pandas.Index(names) if names else frame.columns
    return frame


def _read_series(record: list[Any], _buffers: object) -> Any:
    pandas = _pandas()
    name, column, index = record
    labels = None if index is None else pandas.Index(_read_column(index, pandas))
    return pandas.Series(_read_column(column, pandas), index=labels, name=name)


def _read_image(record: list[Any], _buffers: object) -> Any:
    from PIL import Image

    mode, size, pixels, palette = record
    image = Image.frombytes(mode, tuple(size), pixels.tobytes())
    if palette is not None:
        image.putpalette(palette)
    return image


_READERS: dict[int, Any] = {
    Ext.DATETIME: lambda record, _: datetime.fromisoformat(record[0]).replace(fold=record[1]),
    Ext.BIG_INT: lambda record, _: int(record, 16),
    Ext.ARRAY: _read_array,
    Ext.SCALAR: lambda record, _: np.frombuffer(record[1], dtype=record[0])[0],
    Ext.SPARSE: _read_sparse,
    Ext.FRAME: _read_frame,
    Ext.SERIES: _read_series,
    Ext.IMAGE: _read_image,
}
_DECODER = _decoder(())
