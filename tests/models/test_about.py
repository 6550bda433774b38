"""The manifest's facts survive the way through JSON, and others are refused."""

import json
from typing import Any

import pytest

from minibento.errors import Corrupt
from minibento.models.about import About, Signature
from minibento.wire.row_spec import Column, RowSpec

FRAME = RowSpec("frame", columns=(Column("home", "category", ("rent", "owner")),))
ABOUT = About(
    framework="sklearn",
    options={"format": "skops"},
    methods={"predict": Signature(True, FRAME), "one": Signature(False, RowSpec())},
    labels={"owner": "risk"},
    metadata={"auc": 0.8},
    python="3.11",
    libraries={"numpy": "2.0"},
    by_value=True,
    executes_code=True,
    custom_objects=("dv",),
    example=True,
    answers=True,
)


@pytest.mark.parametrize("about", [ABOUT, About("custom")], ids=["full", "empty"])
def test_it_comes_back_from_json(about: About) -> None:
    assert About.from_json(json.loads(json.dumps(about.to_json()))) == about


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"framework": "sklearn"},
        {"signatures": {}, "custom_objects": []},
        {"framework": "x", "signatures": {"predict": {}}, "custom_objects": []},
        {"framework": "x", "signatures": [], "custom_objects": []},
    ],
    ids=str,
)
def test_what_is_no_models_manifest_is_corrupt(data: Any) -> None:
    with pytest.raises(Corrupt, match="the manifest is not a model's"):
        About.from_json(data)
