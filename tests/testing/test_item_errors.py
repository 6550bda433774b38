"""What a caller is told of a bad item that only the runner could find."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pandas as pd
import pytest

from minibento.asgi.service import service
from minibento.errors import ItemError
from minibento.runners.method import method
from minibento.runners.runner import Runner
from minibento.services.api import api
from minibento.testing import client

EXAMPLE = pd.DataFrame({"age": [30], "home": pd.Categorical([1], [1, 3])})


class Model:
    @method(batchable=True, example=EXAMPLE)
    def predict(self, rows: pd.DataFrame) -> list[int]:
        return [int(age) for age in rows["age"]]

    @method(batchable=True)
    def count(self, texts: list[str]) -> list[int]:
        if "" in texts:
            raise ItemError("empty text")
        return [len(text) for text in texts]


@service
class Rows:
    model = Runner(Model)

    @api
    async def one(self, row: dict[str, Any]) -> int:
        answer: int = await self.model.predict(row)
        return answer

    @api
    async def many(self, rows: list[dict[str, Any]]) -> list[int]:
        return list(await self.model.predict.batch(rows))

    @api
    async def texts(self, texts: list[str]) -> list[int]:
        return list(await self.model.count.batch(texts))


@pytest.fixture(scope="module")
def http() -> Iterator[httpx2.Client]:
    with client(Rows) as opened:
        yield opened


def refused(http: httpx2.Client, path: str, body: object) -> tuple[str, dict[str, str]]:
    answer = http.post(path, json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    return answer.json()["detail"], error


def test_a_bad_cell_is_told_as_a_bad_body_is(http: httpx2.Client) -> None:
    detail, error = refused(http, "/one", {"age": 30, "home": "3"})
    assert error == {"field": "home", "expected": "one of 1, 3", "got": "'3'"}
    assert detail == "predict: column 'home' takes one of 1, 3, got '3'"


def test_missing_and_unknown_columns_are_told_as_missing_and_unknown_keys_are(
    http: httpx2.Client,
) -> None:
    _, error = refused(http, "/one", {"age": 30})
    assert error == {"field": "home", "expected": "this field is required"}
    _, error = refused(http, "/one", {"age": 30, "home": 1, "more": None})
    assert error == {"field": "more", "expected": "no such field is accepted", "got": "null"}


def test_of_many_rows_the_bad_one_is_named(http: httpx2.Client) -> None:
    good = {"age": 30, "home": 1}
    detail, error = refused(http, "/many", [good, good, good, good | {"age": None}])
    assert detail.startswith("item 3: predict: column 'age' takes a whole number")
    assert (error["field"], error["got"]) == ("3.age", "null")


def test_an_item_that_the_model_refuses_is_named_too(http: httpx2.Client) -> None:
    detail, error = refused(http, "/texts", ["a", ""])
    assert detail == "item 1: empty text"
    assert error == {"field": "1", "expected": "empty text"}
