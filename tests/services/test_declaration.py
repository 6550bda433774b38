import dataclasses
import typing
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from minibento.errors import DeclarationError
from minibento.services.api import api
from minibento.services.context import Context
from minibento.services.declaration import RESERVED, Declaration
from minibento.services.hooks import on_shutdown, on_startup, ready


class FakeRunner:
    name = "model"
    ready = True
    version = "m:1"

    async def start(self, metrics: Any = None) -> None: ...

    async def stop(self) -> None: ...


def service_with(method: Callable[..., Any]) -> type:
    return type("S", (), {method.__name__: method})


def refused(cls: Any, says: str, **options: Any) -> None:
    with pytest.raises(DeclarationError) as caught:
        Declaration.read(cls, **options)
    assert says in str(caught.value)


def test_everything_is_read_in_the_order_written() -> None:
    class Base:
        @api
        async def first(self) -> int:
            return 1

        @on_startup
        def warm(self) -> None: ...

    class S(Base):
        """A service."""

        model = FakeRunner()

        @api(path="/v1/second", timeout=2, example=[1], errors={409: "twice"})
        def second(self, a: int, ctx: Context, b: str = "x") -> list[int]:
            """Add."""
            return []

        @on_startup
        async def more(self) -> None: ...

        @on_shutdown
        def close(self) -> None: ...

        @ready
        def fine(self) -> bool:
            return True

    declared = Declaration.read(S, name="named", timeout=9)
    assert declared.name == "named"
    first, second = declared.methods
    assert (first.path, first.is_async, first.timeout, first.body) == ("/first", True, 9.0, None)
    assert (second.path, second.is_async, second.timeout) == ("/v1/second", False, 2.0)
    assert (second.parameters, second.context, second.text) == (("a", "b"), "ctx", "Add.")
    assert second.options.errors == {409: "twice"}
    assert list(declared.runners) == ["model"]
    assert declared.hooks == {
        "on_startup": ("warm", "more"),
        "on_shutdown": ("close",),
        "ready": ("fine",),
    }


@pytest.mark.parametrize("name", sorted(RESERVED - {"", "openapi.json"}))
def test_names_of_our_own_pages_are_reserved(name: str) -> None:
    def method(self: Any) -> int:
        return 1

    method.__name__ = name
    refused(service_with(api(method)), "reserved")


@pytest.mark.parametrize(
    "path", ["predict", "/", "/a/", "/a/{id}", "/a?b", "/a b", "/metrics/x", ""]
)
def test_a_path_that_cannot_be_is_refused(path: str) -> None:
    @api(path=path)
    def method(self: Any) -> int:
        return 1

    refused(service_with(method), "path" if path != "/metrics/x" else "reserved")


def test_a_function_is_no_service() -> None:
    def predict() -> None: ...

    refused(predict, "decorates a class")


def test_a_class_without_endpoints_is_refused() -> None:
    refused(type("Empty", (), {}), "mark a method with @minibento.api")


def test_two_endpoints_with_one_path_are_refused() -> None:
    class S:
        @api
        def a(self) -> int:
            return 1

        @api(path="/a")
        def b(self) -> int:
            return 1

    refused(S, "same path '/a'")


def test_a_mount_over_an_endpoint_is_refused() -> None:
    @api
    def a(self: Any) -> int:
        return 1

    refused(service_with(a), "same path", mounts={"/a": lambda *_: None})
    refused(service_with(a), "ASGI app", mounts={"/b": "site"})


@pytest.mark.parametrize("timeout", [0, -1, "5", None, True, float("nan"), float("inf")])
def test_a_timeout_is_a_positive_number(timeout: Any) -> None:
    @api
    def a(self: Any) -> int:
        return 1

    refused(service_with(a), "positive number of seconds", timeout=timeout)


def test_middleware_must_be_starlettes() -> None:
    @api
    def a(self: Any) -> int:
        return 1

    Declaration.read(service_with(a), middleware=[Middleware(CORSMiddleware)])
    refused(service_with(a), "Middleware(CORSMiddleware, ...)", middleware=[CORSMiddleware])


@dataclasses.dataclass
class Body:
    n: int


class Plain(typing.TypedDict):
    n: int


def no_hint(self: Any, x) -> int:  # type: ignore[no-untyped-def]  # what is tested
    return 1


def star(self: Any, *x: int) -> int:
    return 1


def stars(self: Any, **x: int) -> int:
    return 1


def two_contexts(self: Any, a: Context, b: Context) -> int:
    return 1


def unknown_name(self: Any, x: "Missing") -> int:  # type: ignore[name-defined]  # noqa: F821
    return 1


def odd_type(self: Any, x: Callable[[], int]) -> int:
    return 1


def odd_answer(self: Any) -> typing.IO[str]:
    raise NotImplementedError


async def streams(self: Any) -> AsyncIterator[int]:
    yield 1


def generates(self: Any) -> Iterator[int]:
    yield 1


def no_self() -> int:
    return 1


def data_first(row: list[float]) -> int:
    return 1


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (no_hint, "S.no_hint: the parameter 'x' has no hint"),
        (star, "*x: int"),
        (stars, "**x: int"),
        (two_contexts, "two Contexts"),
        (unknown_name, "'Missing' is not known"),
        (odd_type, "S.odd_type: x: values of"),
        (odd_answer, "S.odd_answer: answer"),
        (streams, "generator"),
        (generates, "generator"),
        (no_self, "takes no self"),
        (data_first, r"S.data_first takes 'row' first and no self: write def data_first(self, row"),
    ],
)
def test_a_method_that_cannot_be_an_endpoint_is_refused_with_the_mend(
    method: Callable[..., Any], says: str
) -> None:
    refused(service_with(api(method)), says)


def test_a_static_method_is_no_endpoint() -> None:
    class S:
        @staticmethod
        @api
        def a() -> int:
            return 1

    refused(S, "plain method")


def test_two_readiness_checks_are_refused() -> None:
    class S:
        @api
        def a(self) -> int:
            return 1

        @ready
        def b(self) -> bool:
            return True

        @ready
        def c(self) -> bool:
            return True

    refused(S, "two @minibento.ready")


def test_a_mark_on_something_else_is_refused() -> None:
    with pytest.raises(DeclarationError, match="marks a method"):
        api(3)  # type: ignore[call-overload]  # what is tested
    with pytest.raises(DeclarationError, match="marks a method"):
        on_startup(Body)
