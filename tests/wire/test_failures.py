"""Exceptions cross as plain data: ours as themselves, all others as ModelError."""

from http import HTTPStatus

import pytest
from starlette.exceptions import HTTPException

from minibento import errors
from minibento.wire.failures import from_record, to_record
from minibento.wire.frames import FrameReader, FrameWriter
from minibento.wire.messages import Failure


def crossed(error: BaseException) -> errors.MinibentoError:
    return from_record(to_record(error, "m.predict"))


def test_an_item_error_keeps_detail_status_field_and_gets_its_index() -> None:
    error = from_record(
        to_record(errors.ItemError("empty", 413, "rows.text"), "m.predict", index=3)
    )
    assert isinstance(error, errors.ItemError)
    assert (error.detail, error.status, error.field, error.index) == ("empty", 413, "rows.text", 3)


def test_an_http_exception_crosses_as_an_item_error_of_its_status() -> None:
    error = crossed(HTTPException(409, "taken"))
    assert isinstance(error, errors.ItemError)
    assert (error.detail, error.status) == ("taken", 409)


OURS = [
    errors.BadResult("3 for 4"),
    errors.CannotCross("a set"),
    errors.DeadlineExceeded("late"),
    errors.ModelError("KeyError: 'x'"),
    errors.Unavailable("stopping"),
    errors.UsageError("await it"),
]


@pytest.mark.parametrize("error", OURS, ids=lambda error: type(error).__name__)
def test_our_own_errors_cross_as_themselves(error: errors.MinibentoError) -> None:
    arrived = crossed(error)
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)


def test_overloaded_keeps_when_to_try_again() -> None:
    arrived = crossed(errors.Overloaded("full", retry_after=7))
    assert isinstance(arrived, errors.Overloaded)
    assert arrived.retry_after == 7


@pytest.mark.parametrize(
    "error", [KeyError("x"), SystemExit(3), KeyboardInterrupt(), StopIteration()]
)
def test_every_other_exception_is_a_model_error_with_its_traceback(error: BaseException) -> None:
    try:
        raise error  # noqa: TRY301 - for its traceback
    except BaseException as raised:  # noqa: BLE001 - all kinds are tested
        arrived = crossed(raised)
    assert type(arrived) is errors.ModelError
    assert str(arrived).startswith(f"m.predict: {type(error).__name__}")
    assert arrived.remote_traceback.startswith("Traceback")
    assert "test_failures.py" in arrived.remote_traceback


@pytest.mark.parametrize("instead", [RuntimeError, SystemExit])
def test_an_exception_that_cannot_be_shown_crosses_all_the_same(
    instead: type[BaseException],
) -> None:
    class Hidden(Exception):
        def __str__(self) -> str:
            raise instead

    arrived = crossed(Hidden())
    assert type(arrived) is errors.ModelError
    assert "Hidden" in str(arrived)


@pytest.mark.parametrize("instead", [KeyError, SystemExit])
def test_an_exception_whose_attributes_raise_crosses_all_the_same(
    instead: type[BaseException],
) -> None:
    class Proxy(Exception):
        def __getattr__(self, name: str) -> object:
            raise instead(name)

    arrived = crossed(Proxy("bad"))
    assert type(arrived) is errors.ModelError
    assert str(arrived) == "m.predict: Proxy: bad"


def test_a_kind_that_nobody_knows_is_a_model_error_and_never_looked_up() -> None:
    record = to_record(KeyError("x"), "m.predict")
    record.kind = "annotations"
    assert type(from_record(record)) is errors.ModelError


class _Text(str):
    """A text of a user's own type."""

    __slots__ = ()


def odd_errors() -> list[BaseException]:
    """What user code can do to our errors, their types notwithstanding."""
    item = errors.ItemError(_Text("bad"), field=_Text("age"), expected=5, got=[1])  # type: ignore[arg-type]
    moved = errors.ItemError("bad")
    moved.status, moved.field = "422", ("rows", 3)  # type: ignore[assignment]
    busy = errors.Overloaded("full", retry_after=2.5)  # type: ignore[arg-type]
    never = errors.Overloaded("full", retry_after=float("inf"))  # type: ignore[arg-type]
    return [item, moved, busy, never, HTTPException(HTTPStatus.CONFLICT, _Text("taken"))]


@pytest.mark.parametrize("error", odd_errors(), ids=repr)
def test_a_record_crosses_the_wire_whatever_user_code_has_put_into_the_error(
    error: BaseException,
) -> None:
    record = to_record(error, "m.predict", index=1)
    data = b"".join(FrameWriter().parts(Failure(1, record)))
    assert list(FrameReader().feed(data)) == [Failure(1, record)]
