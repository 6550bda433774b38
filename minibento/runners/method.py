"""`@minibento.method` and what it declares; knows no loop and no process."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints, overload

import numpy as np

from minibento.batching.describe import describe
from minibento.errors import DeclarationError
from minibento.wire.row_spec import RowSpec

__all__ = ["MethodSpec", "method", "read_methods"]

F = TypeVar("F", bound=Callable[..., Any])
_MARK = "__minibento_method__"


@dataclass(frozen=True, slots=True)
class MethodSpec:
    """One method of a runner.

    Attributes:
        name: The method's name; `__call__` for a model that is a function.
        batchable: It takes many items at once; a worker calls it with a batch.
        rows: How items become a batch; of meaning only if batchable.
        streams: It is a generator: its results are passed on one by one.
        idempotent: It may be run again for the same item after a failure.
        item_hint: Type of one item of a batch, which the wire may have to rebuild.
        hints: Types of the parameters of a method that is not batchable, likewise.
        result_hint: Type of one result, which is rebuilt where the method is called from.
        example: A batch (or, if not batchable, one item) to warm up with; None: none.
    """

    name: str
    batchable: bool = False
    rows: RowSpec = field(default_factory=RowSpec)
    streams: bool = False
    idempotent: bool = True
    item_hint: Any = Any
    hints: Mapping[str, Any] = field(default_factory=dict)
    result_hint: Any = Any
    example: Any = None


@dataclass(frozen=True, slots=True)
class _Mark:
    batchable: bool
    example: Any
    idempotent: bool


@overload
def method(function: F, /) -> F: ...
@overload
def method(
    *, batchable: bool = False, example: Any = None, idempotent: bool = True
) -> Callable[[F], F]: ...
def method(
    function: Any = None,
    /,
    *,
    batchable: bool = False,
    example: Any = None,
    idempotent: bool = True,
) -> Any:
    """Make a method of a plain class callable through its runner.

    Args:
        batchable: The method's one parameter is a batch: its hint says how batches arrive,
            `list[T]`, `np.ndarray` or `pd.DataFrame`. It returns one result per item, in order.
        example: A batch (one item, if not batchable) to warm up with and, for arrays and frames,
            to read shape, columns and dtypes off. Use made-up rows.
        idempotent: Whether it may run again for the same item; if not, a batch in which one item
            failed is not taken apart, and fails as a whole. A method that changes the objects
            inside its items is not idempotent; changing the dicts, lists and arrays that are the
            items themselves does no harm.

    Raises:
        DeclarationError: at the class's first use as a runner, if the declaration cannot work.
    """

    def mark(target: Any) -> Any:
        setattr(target, _MARK, _Mark(batchable, example, idempotent))
        return target

    if function is None:
        return mark
    if not callable(function):
        raise DeclarationError(f"@minibento.method marks a method, got {function!r}")
    return mark(function)


def read_methods(cls: type) -> dict[str, MethodSpec]:
    """The marked methods of a class, in the order of their definition.

    Raises:
        DeclarationError: a declaration that cannot work; the message has the mend.
    """
    found: dict[str, MethodSpec] = {}
    for base in reversed(cls.__mro__):
        for name, function in vars(base).items():
            mark = getattr(function, _MARK, None)
            if isinstance(mark, _Mark):
                found[name] = _read(cls, name, function, mark)
    return found


def _read(cls: type, name: str, function: Callable[..., Any], mark: _Mark) -> MethodSpec:
    where = f"{cls.__name__}.{name}"
    if name.startswith("_") and name != "__call__":
        raise DeclarationError(f"{where}: the name of a runner method begins with a letter")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{where} is async: a runner method computes in a thread of its own; write `def`"
        )
    streams = inspect.isgeneratorfunction(function)
    hints = _hints(where, function)
    first = next(iter(inspect.signature(function).parameters), "")
    if first in hints and first != "self" and not isinstance(function, staticmethod):
        raise DeclarationError(
            f"{where} takes {first!r} first and no self: write def {name}(self, {first}, ...)"
        )
    answer = hints.pop("return", Any)
    if not mark.batchable:
        return MethodSpec(
            name,
            streams=streams,
            idempotent=mark.idempotent,
            hints=hints,
            result_hint=_part(answer) if streams else answer,
            example=mark.example,
        )
    if streams:
        raise DeclarationError(
            f"{where} is a generator and batchable: a method that streams takes one item; "
            "leave batchable out"
        )
    rows, item_hint = _batch_hint(where, function, hints, mark.example)
    return MethodSpec(
        name,
        batchable=True,
        rows=rows,
        idempotent=mark.idempotent,
        item_hint=item_hint,
        result_hint=_part(answer) if get_origin(answer) is list else Any,
        example=mark.example,
    )


def _part(hint: Any) -> Any:
    """The type of what a list or iterator of this hint holds."""
    return (get_args(hint) or (Any,))[0]


def _batch_hint(
    where: str, function: Callable[..., Any], hints: Mapping[str, Any], example: Any
) -> tuple[RowSpec, Any]:
    """How batches arrive, by the hint of the one parameter, and the type of one item."""
    parameters = list(inspect.signature(function).parameters.values())[1:]
    required = [p for p in parameters if p.default is p.empty]
    if len(parameters) == 0 or len(required) > 1:
        raise DeclarationError(
            f"{where} is batchable and takes {len(parameters)} parameters: it takes one, the batch"
        )
    hint = hints.get(parameters[0].name)
    if get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if hint is list or get_origin(hint) is list:
        return RowSpec("list"), _part(hint)
    if hint is np.ndarray or get_origin(hint) is np.ndarray:
        return _described(where, example, "array") if example is not None else RowSpec("array"), Any
    if getattr(hint, "__name__", "") == "DataFrame":
        if example is None:
            raise DeclarationError(
                f"{where} takes a DataFrame: give @minibento.method(batchable=True, example=frame) "
                "with a made-up row or two, so that every batch has the same columns and dtypes"
            )
        return _described(where, example, "frame"), Any
    shown = "no hint" if hint is None else getattr(hint, "__name__", str(hint))
    raise DeclarationError(
        f"{where} is batchable and its parameter {parameters[0].name!r} has {shown}: write "
        "list[T], np.ndarray or pd.DataFrame, the way in which batches are to arrive"
    )


def _hints(where: str, function: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"{where}: a hint names something unknown: {error}; import it outside of "
            "`if TYPE_CHECKING`, at the top of the module"
        ) from error


def _described(where: str, example: Any, kind: str) -> RowSpec:
    try:
        spec = describe(example)
    except ValueError as error:
        raise DeclarationError(f"{where}: {error}") from None
    if spec.kind != kind:
        wanted = "an array" if kind == "array" else "a DataFrame"
        raise DeclarationError(f"{where} takes {wanted}, its example is {type(example).__name__}")
    return spec
