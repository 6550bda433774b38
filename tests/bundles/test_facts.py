from typing import Any

import pytest

from minibento.bundles.facts import Container, Facts
from minibento.errors import Corrupt
from tests.bundles.making import facts


def test_facts_come_back_as_they_were_recorded() -> None:
    whole = facts(
        models={"a:production": "a:abcd"},
        labels={"owner": "risk"},
        container=Container("python:3.11", ("libgomp1",)),
        vendored=True,
    )
    assert Facts.from_json(whole.to_json()) == whole


@pytest.mark.parametrize(
    "change",
    [
        {"service": 7},
        {"models": {"a:production": "a"}},
        {"models": {"../x": "a:1"}},
        {"models": {"a:1": 7}},
        {"labels": {"a": []}},
        {"labels": ["a"]},
        {"models": ["a:1"]},
        {"container": {"base": "x", "packages": "libgomp1"}},
        {"container": {"base": "x", "packages": [7]}},
        {"container": {}},
        {"unknown": 1},
        {"environment": "../../etc"},
        {"service": "os; rm:x"},
        {"python": "3.11/.."},
        {"vendored": "yes"},
    ],
)
def test_what_is_no_bundles_is_refused(change: dict[str, Any]) -> None:
    about = facts().to_json()
    about["bundle"].update(change)
    with pytest.raises(Corrupt, match="is no bundle's"):
        Facts.from_json(about)


@pytest.mark.parametrize(
    "name",
    [
        *("service", "models", "runners", "python", "platform", "minibento", "environment"),
        "container",
    ],
)
def test_a_bundle_that_does_not_say_all_is_refused(name: str) -> None:
    about = facts().to_json()
    del about["bundle"][name]
    with pytest.raises(Corrupt, match="is no bundle's"):
        Facts.from_json(about)


def test_what_a_model_records_is_refused() -> None:
    with pytest.raises(Corrupt, match="`minibento build` makes bundles"):
        Facts.from_json({"framework": "sklearn"})
