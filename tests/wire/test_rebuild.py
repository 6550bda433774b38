"""Pydantic objects, dataclasses, enums and tuples are made again where a hint names them."""

import dataclasses
import enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np
import pydantic
import pytest
from typing_extensions import TypedDict

from minibento.errors import ItemError
from minibento.wire.rebuild import rebuilder
from minibento.wire.values import decode, encode

T = TypeVar("T")


class Home(enum.Enum):
    OWNER = "owner"
    RENT = "rent"


class Level(enum.IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: float
    home: Home = Home.RENT


@dataclasses.dataclass
class Box(Generic[T]):
    content: T


@dataclasses.dataclass(slots=True, frozen=True)
class Frozen:
    sides: tuple[int, int]
    area: int = dataclasses.field(init=False, default=0)


class Address(pydantic.BaseModel):
    street: str


class Application(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(strict=True, extra="forbid")

    income: float = pydantic.Field(alias="Income")
    home: Home
    address: Address
    place: Point
    pair: tuple[int, Home] = (1, Home.RENT)


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")

    name: str

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def shout(self) -> str:
        return self.name.upper()


class Tags(pydantic.RootModel[list[Home]]):
    pass


class Size(NamedTuple):
    width: int
    home: Home


class Record(TypedDict):
    home: Home


APPLICATION = Application(
    Income=12.5,
    home=Home.OWNER,
    address=Address(street="Calle 1"),
    place=Point(1.5, Home.OWNER),
    pair=(7, Home.OWNER),
)

REBUILT: list[tuple[Any, Any]] = [
    (Home, Home.OWNER),
    (Level, Level.LOW),
    (Home | None, Home.RENT),
    (Home | None, None),
    (tuple, (1, "a")),
    (tuple[int, Home], (1, Home.RENT)),
    (tuple[float, ...], (1.0, 2.0)),
    (list[tuple[int, str]], [(1, "a")]),
    (dict[str, Home], {"a": Home.RENT}),
    (Point, Point(2.0)),
    (list[Point], [Point(2.0, Home.OWNER)]),
    (Box[Home], Box(Home.OWNER)),
    (Frozen, Frozen((1, 2))),
    (Address, Address(street="x")),
    (Application, APPLICATION),
    (Annotated[Application, "note"], APPLICATION),
    (Application | None, APPLICATION),
    (Open, Open.model_validate({"name": "a", "more": [1, {"b": 2}]})),
    (Tags, Tags([Home.RENT])),
    (Size, Size(1, Home.RENT)),
    (Record, {"home": Home.RENT}),
]


@pytest.mark.parametrize(("hint", "value"), REBUILT, ids=lambda part: str(part)[:40])
def test_what_a_hint_names_is_made_again_equal(hint: Any, value: Any) -> None:
    rebuild = rebuilder(hint)
    assert rebuild is not None
    arrived = rebuild(decode(*encode(value)))
    assert arrived == value
    assert type(arrived) is type(value)


@pytest.mark.parametrize(
    "hint",
    [
        Any,
        None,
        int,
        str,
        list,
        list[str],
        dict[str, float],
        np.ndarray,
        Literal["a", 1],
        str | None,
    ],
    ids=str,
)
def test_plain_hints_cost_nothing(hint: Any) -> None:
    assert rebuilder(hint) is None


def test_arrays_inside_what_is_rebuilt_stay_as_they_are() -> None:
    rebuild = rebuilder(tuple[np.ndarray, Home])
    assert rebuild is not None
    array, home = rebuild(decode(*encode((np.arange(3), Home.RENT))))
    assert (array == np.arange(3)).all()
    assert home is Home.RENT


@dataclasses.dataclass
class Labelled:
    pixels: np.ndarray[Any, Any]
    home: Home


@pytest.mark.parametrize(
    "hint", [Labelled, Annotated[Labelled, "note"]], ids=["plain", "annotated"]
)
def test_a_dataclass_may_hold_an_array(hint: Any) -> None:
    rebuild = rebuilder(hint)
    assert rebuild is not None
    arrived = rebuild(decode(*encode(Labelled(np.arange(3), Home.RENT))))
    assert type(arrived) is Labelled
    assert (arrived.pixels == np.arange(3)).all()


def test_numbers_of_numpy_fit_where_a_hint_names_plain_ones() -> None:
    rebuild = rebuilder(tuple[int, float, bool, str])
    assert rebuild is not None
    sent = (np.int64(3), np.float32(0.5), np.bool_(True), np.str_("a"))
    assert rebuild(decode(*encode(sent))) == (3, 0.5, True, "a")


def test_a_dict_may_use_a_models_aliases_or_its_names() -> None:
    rebuild = rebuilder(Application)
    assert rebuild is not None
    named = decode(*encode(APPLICATION))
    aliased = {"Income": named.pop("income"), **named}
    assert rebuild(aliased) == APPLICATION


def test_a_value_that_does_not_fit_is_the_items_error_with_its_place_in_one_line() -> None:
    rebuild = rebuilder(Application)
    assert rebuild is not None
    wrong = decode(*encode(APPLICATION)) | {"address": {"street": 7}, "home": "tent"}
    with pytest.raises(ItemError) as caught:
        rebuild(wrong)
    assert caught.value.field == "home"
    assert str(caught.value) == "home: Input should be 'owner' or 'rent' (and 1 more)"
