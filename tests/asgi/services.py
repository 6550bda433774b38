"""Services that the tests in this folder serve."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response

from minibento import errors
from minibento.asgi.service import service
from minibento.services.api import api
from minibento.services.context import Context


class Application(BaseModel):
    model_config = ConfigDict(extra="forbid")
    income: float
    home: str = "owner"


class Decision(BaseModel):
    probability: float
    status: str


@dataclass
class Pair:
    left: int
    right: int


STRANGE: dict[str, Any] = {
    "labels": np.array(["good", "bad"], object),
    "objects": np.array([{}, None], object),
    "lists": [[1, 2], [3, 4]],
    "ragged": [[1, 2], [3]],
}
SINGLETON = PlainTextResponse("shared")


class Cooking:
    """Everything a method can be."""

    def __init__(self) -> None:
        self.held = threading.Event()
        self.cancelled = asyncio.Event()
        self.entered = asyncio.Event()

    @api(example={"income": 1200.5}, errors={409: "Decided before."})
    async def classify(self, application: Application) -> Decision:
        """Decide on one application.

        More about it.
        """
        return Decision(probability=application.income, status="APPROVED")

    @api
    async def add(self, a: int, b: int = 10) -> int:
        return a + b

    @api
    def nothing(self) -> str:
        return "done"

    @api
    def shout(self, text: str) -> str:
        return text.upper()

    @api
    def maybe(self, pair: Pair = Pair(1, 2)) -> int:  # noqa: B008  # never changed
        return pair.left + pair.right

    @api
    def keyword(self, *, n: int) -> int:
        return n

    @api
    async def context(self, ctx: Context, n: int) -> dict[str, Any]:
        ctx.response.status_code = 201
        ctx.response.headers["x-own"] = "yes"
        ctx.response.set_cookie("a", "b")
        left = ctx.seconds_left
        return {"id": ctx.request_id, "left": left, "agent": ctx.request.headers["user-agent"]}

    @api
    async def forge(self, ctx: Context, value: str) -> None:
        ctx.response.headers["x-own"] = value

    @api
    async def status(self, ctx: Context, code: int) -> None:
        ctx.response.status_code = code

    @api
    async def respond(self, code: int) -> Response:
        return PlainTextResponse("own", status_code=code)

    @api
    async def lost_file(self) -> Response:
        return FileResponse("/secret/path")

    @api
    async def shared(self) -> Response:
        return SINGLETON

    @api
    async def matrix(self, x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return x / 0.0

    @api
    async def doubled(self, x: Annotated[np.ndarray, np.float32, (None, 2)]) -> np.ndarray:
        x *= 2  # in place: what a method gets is its own, however it came
        return x

    @api
    async def any_array(self, x: np.ndarray) -> str:
        return f"{x.dtype} {x.shape}"

    @api
    async def strange(self, kind: str) -> np.ndarray:
        found: np.ndarray = STRANGE[kind]
        return found

    @api
    async def reverse(self, data: bytes) -> bytes:
        return data[::-1]

    @api
    async def picture(self, ctx: Context) -> bytes:
        ctx.response.headers["content-type"] = "image/png"
        return b"\x89PNG"

    @api
    async def no_bytes(self) -> bytes:
        return "text"  # type: ignore[return-value]  # a slip

    @api
    async def nan(self, kind: str) -> Decision:
        return Decision(probability=float(kind), status="?")

    @api(timeout=0.05)
    async def sleeps(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @api
    async def waits(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @api(timeout=0.05)
    def blocks(self) -> None:
        self.held.wait(10)

    @api
    async def fails(self, kind: str) -> None:
        raise FAILURES[kind]

    @api
    def fails_in_thread(self, kind: str) -> None:
        raise FAILURES[kind]


# Called and not used as a decorator: mypy gives a decorated class its own type.
Kitchen = service(name="Kitchen", timeout=5.0)(Cooking)


class Mute(Exception):
    """Cannot even say what it is."""

    def __init__(self) -> None:
        self.add_note("/secret/path")

    def __str__(self) -> str:
        raise SystemExit


FAILURES: dict[str, BaseException] = {
    "item": errors.ItemError("empty text", field="text"),
    "item 409": errors.ItemError("decided before", status=409),
    "http": HTTPException(418, "teapot", headers={"x-tea": "green"}),
    "overloaded": errors.Overloaded("the queue is full", retry_after=7),
    "unavailable": errors.Unavailable("starting"),
    "deadline": errors.DeadlineExceeded("too late"),
    "not found": errors.NotFound("no model 'secret'"),
    "store": errors.StoreError("/secret/path cannot be read"),
    "corrupt": errors.Corrupt("/secret/path is not what it was"),
    "model": errors.ModelError("it broke in /secret/path", remote_traceback="remote trace"),
    "bug": ZeroDivisionError("/secret/path"),
    "cancelled": TimeoutError("/secret/path"),
    "stop": StopIteration("/secret/path"),
    "exit": SystemExit("/secret/path"),
    "interrupt": KeyboardInterrupt("/secret/path"),
    "cancels itself": asyncio.CancelledError("/secret/path"),
    "mute": Mute(),
    "no status": HTTPException(99, "/secret/path"),
    "item of an error": errors.ItemError(ValueError("bad")),  # type: ignore[arg-type]  # a slip
    "http number": HTTPException(418, "teapot", headers={"x-tea": 5}),  # type: ignore[dict-item]
    "surrogate": errors.ItemError("bad \ud800 text\r\nx: y"),
}
