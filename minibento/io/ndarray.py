"""The form of arrays that a hint asks for, its dtype and shape; and nested lists as such arrays.

`np.ndarray`, `npt.NDArray[np.float32]` or `Annotated[np.ndarray, np.float32, (None, 29)]`, where
None is a free length. A number is converted only where its value does not change, except that a
decimal is rounded to the nearest the dtype has. Knows hints; knows no services.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, get_args

import numpy as np
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from minibento.errors import DeclarationError
from minibento.io import free_json

__all__ = ["ArrayForm", "array_hint"]

Shape = tuple[int | None, ...]
Place = tuple[int, ...]
Array = np.ndarray[Any, Any]

_NAMES = {bool: "boolean", int: "number", float: "number", str: "string"}
_JSON_TYPES = {"b": "boolean", "i": "integer", "u": "integer", "f": "number", "U": "string"}
# Values of dtypes of one group are converted into each other where they do not change.
_GROUPS = {"b": "boolean", "i": "number", "u": "number", "f": "number", "U": "text"}
_ACCEPTED: dict[str, set[type]] = {
    "b": {bool},
    "i": {int, float},
    "u": {int, float},
    "f": {int, float},
    "U": {str},
}


def array_hint(base: Any, metadata: Sequence[Any]) -> Any:
    """The hint that pydantic reads for an array hint and what its Annotated says.

    Raises:
        DeclarationError: a dtype that JSON has no values for, or metadata that is neither.
    """
    dtype: np.dtype[Any] | None = None
    shape: Shape | None = None
    named = [inner for arg in get_args(base)[1:] for inner in get_args(arg)]
    for entry in [*named, *metadata]:
        if entry is Any:
            continue
        if isinstance(entry, tuple) and all(n is None or isinstance(n, int) for n in entry):
            shape = entry
        else:
            dtype = _dtype(entry)
    if dtype is not None and dtype.kind not in _ACCEPTED:
        raise DeclarationError(
            f"an array of dtype {dtype} cannot travel as JSON: use a bool, int, float or str dtype"
        )
    return Annotated[Any, ArrayForm(dtype, shape)]


def _dtype(entry: Any) -> np.dtype[Any]:
    try:
        found: np.dtype[Any] = np.dtype(entry)
        return found
    except TypeError:
        raise DeclarationError(
            f"{entry!r} is neither a dtype nor a shape: "
            "write Annotated[np.ndarray, np.float32, (None, 29)]"
        ) from None


@dataclass(frozen=True, slots=True)
class ArrayForm:
    """What arrays of one hint look like; tells pydantic how to read, write and describe them."""

    dtype: np.dtype[Any] | None
    shape: Shape | None

    def __str__(self) -> str:
        what = "numbers, booleans or text" if self.dtype is None else str(self.dtype)
        return f"{what} of {'any shape' if self.shape is None else f'shape {self.shape}'}"

    def __get_pydantic_core_schema__(
        self, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.read,
            serialization=core_schema.plain_serializer_function_ser_schema(_write),
        )

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        items: dict[str, Any] = {}
        if self.dtype is not None:
            items = {"type": _JSON_TYPES[self.dtype.kind]}
        if self.shape is None:
            return {"type": "array", "description": "Nested lists, one for each dimension."}
        for length in reversed(self.shape):
            items = {"type": "array", "items": items}
            if length is not None:
                items |= {"minItems": length, "maxItems": length}
        return items

    def read(self, value: Any) -> Array:
        """Nested lists as an array of this form; what is an array already is an answer, left alone.

        Raises:
            PydanticCustomError: they are not; it names the first place that is wrong.
        """
        if isinstance(value, np.ndarray):
            return value
        shape = _shape(value)
        _check_shape(shape, self.shape)
        kinds = {kind for row, _ in _rows(value, len(shape), ()) for kind in set(map(type, row))}
        self._check_kinds(value, shape, kinds)
        try:
            array = np.asarray(value)
        except (ValueError, OverflowError) as error:
            raise _flaw(f"should be an array: {error}") from None
        if array.dtype == object:
            raise _flaw("should hold integers of at most 64 bits", _first_huge(value, len(shape)))
        return array if self.dtype is None else self._converted(array, value)

    def fitted(self, array: Array) -> Array:
        """An array that came as one, in memory of its own: writable, row after row, native bytes.

        It is held to what nested lists are held to, but it may have what is not finite.

        Raises:
            PydanticCustomError: it is not of this form; it names the first place that is wrong.
        """
        if not array.ndim or not array.size:
            raise _flaw("should be an array that is not empty", (), f"shape {array.shape}")
        _check_shape(array.shape, self.shape)
        dtype = array.dtype.newbyteorder("=") if self.dtype is None else self.dtype
        if _GROUPS.get(array.dtype.kind) != _GROUPS.get(dtype.kind):
            raise _flaw(f"should be an array of {dtype}", (), f"dtype {array.dtype}")
        if array.dtype == dtype or array.dtype.newbyteorder("=") == dtype:
            own: Array = np.array(array, dtype, order="C")
            return own
        return self._converted(array, array)

    def _check_kinds(self, value: Any, shape: Place, kinds: set[type]) -> None:
        if self.dtype is not None:
            accepted = _ACCEPTED[self.dtype.kind]
            what = f"should be {_article(_JSON_TYPES[self.dtype.kind])} ({self.dtype})"
        elif kinds <= {int, float}:
            return
        else:
            first = type(_at(value, (0,) * len(shape)))
            accepted = {int, float} if first in {int, float} else {first}
            what = f"should be {_article(_NAMES.get(first, 'number'))} as the values before"
            if first not in _NAMES:
                accepted, what = {bool, int, float, str}, "should be a number, boolean or string"
        if kinds <= accepted:
            return
        for row, place in _rows(value, len(shape), ()):
            for index, item in enumerate(row):
                if type(item) not in accepted:
                    raise _flaw(what, (*place, index), item)

    def _converted(self, array: Array, value: Any) -> Array:
        dtype = self.dtype
        assert dtype is not None
        if array.dtype == dtype:
            return array
        with np.errstate(all="ignore"):
            made = array.astype(dtype, order="C")
            if dtype.kind == "U":
                changed = made != array
            elif array.dtype.kind == "f" and dtype.kind == "f":
                changed = np.isfinite(array) & ~np.isfinite(made)
            else:
                changed = _differs(made, array)
        if changed.any():
            first = np.unravel_index(int(changed.argmax()), changed.shape)
            place = tuple(int(index) for index in first)
            raise _flaw(f"should be a value that {dtype} holds exactly", place, _at(value, place))
        return made


def _differs(made: Array, array: Array) -> Array:
    """Where a conversion between integers and floats has changed the value."""
    # There and back again: numpy would compare int64 with float64 by rounding the former. What
    # is past the ends of the integers comes back as the machine likes, on some as if unchanged.
    changed: Array = made.astype(array.dtype) != array
    integers, floats = (array, made) if made.dtype.kind == "f" else (made, array)
    if floats.dtype.kind == "f":
        ends = np.iinfo(integers.dtype)
        inside = (floats >= float(ends.min)) & (floats < float(int(ends.max) + 1))
        changed |= ~inside | ~np.isfinite(floats)
    else:
        changed |= (made < 0) != (array < 0)
    return changed


def _write(value: Any) -> Any:
    return free_json.array_to_lists(np.asarray(value))


def _shape(value: Any) -> Place:
    """The shape of nested lists, refusing those that have none."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        if not first:
            raise _flaw("should not be empty", (0,) * (len(shape) - 1))
        first = first[0]
    if not shape:
        raise _flaw("should be an array (a list, nested for more dimensions)", (), value)
    _check_ragged(value, shape, ())
    return tuple(shape)


def _check_ragged(value: Any, shape: Sequence[int], place: Place) -> None:
    if not isinstance(value, list):
        raise _flaw(f"should be a list of {shape[0]} as its neighbours", place, value)
    if len(value) != shape[0]:
        raise _flaw(f"should have {shape[0]} entries as its neighbours", place, len(value))
    if len(shape) > 1:
        for index, item in enumerate(value):
            _check_ragged(item, shape[1:], (*place, index))


def _check_shape(shape: Place, wanted: Shape | None) -> None:
    if wanted is None:
        return
    if len(shape) != len(wanted):
        raise _flaw(
            f"should have {len(wanted)} dimensions, of shape {wanted}", (), f"shape {shape}"
        )
    for axis, (length, want) in enumerate(zip(shape, wanted, strict=True)):
        if want is not None and length != want:
            raise _flaw(f"should have shape {wanted}", (0,) * axis, f"shape {shape}")


def _rows(value: list[Any], depth: int, place: Place) -> Iterator[tuple[list[Any], Place]]:
    """The innermost lists, with their places."""
    if depth == 1:
        yield value, place
        return
    for index, item in enumerate(value):
        yield from _rows(item, depth - 1, (*place, index))


def _first_huge(value: Any, depth: int) -> Place:
    for row, place in _rows(value, depth, ()):
        for index, item in enumerate(row):
            if isinstance(item, int) and not -(2**63) <= item < 2**63:
                return (*place, index)
    return ()


def _at(value: Any, place: Place) -> Any:
    for index in place:
        value = value[index]
    return value.item() if isinstance(value, np.generic) else value


def _article(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def _flaw(expected: str, place: Place = (), got: object = ...) -> PydanticCustomError:
    context: dict[str, Any] = {"at": place}
    if got is not ...:
        context["got"] = got
    return PydanticCustomError("array", "{expected}", {"expected": expected, **context})
