"""What a user declares about a model is checked before anything is written."""

from typing import Any

import numpy as np
import pytest

from minibento.errors import DeclarationError
from minibento.models.declared import checked_labels, checked_metadata, checked_signatures


class Model:
    def predict(self, rows: object) -> object:
        return rows

    def _hidden(self) -> None: ...

    count = 3


OWN = {"predict": True}


def test_without_signatures_the_adapters_own_hold() -> None:
    assert checked_signatures(None, OWN, Model()) == OWN


def test_signatures_replace_the_adapters_own() -> None:
    assert checked_signatures({"predict": {"batchable": False}}, OWN, Model()) == {"predict": False}


def test_a_signature_that_leaves_batchable_out_keeps_the_adapters_choice() -> None:
    assert checked_signatures({"predict": {}}, OWN, Model()) == OWN
    assert checked_signatures({"predict": {}}, {}, Model()) == {"predict": False}


@pytest.mark.parametrize(
    ("signatures", "said"),
    [
        ({"predikt": {}}, "'predikt', which Model does not have: did you mean 'predict'"),
        ({"count": {}}, "'count', which Model does not have"),
        ({"_hidden": {}}, "'_hidden'"),
        ({"predict": {"batchabel": True}}, "unknown key 'batchabel'.*did you mean 'batchable'"),
        ({"predict": {"batch_dim": 0}}, "unknown key 'batch_dim': accepted: batchable"),
        ({"predict": {"batchable": 1}}, "must be a bool, got 1"),
        ({"predict": True}, "must be a dict, got True"),
        ({}, "at least one method"),
        (["predict"], "must be a dict"),
    ],
    ids=str,
)
def test_bad_signatures_are_refused_with_the_mend(signatures: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        checked_signatures(signatures, OWN, Model())


def test_an_object_without_any_method_asks_for_signatures() -> None:
    with pytest.raises(DeclarationError, match="say which of its methods"):
        checked_signatures(None, {}, Model())


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"auc": 0.8}, r"labels\['auc'\] must be a text, got 0.8: write '0.8'"),
        ({1: "a"}, "texts as keys, got 1"),
        ("owner=risk", "must be a dict"),
    ],
    ids=str,
)
def test_bad_labels_are_refused(labels: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        checked_labels(labels)


def test_metadata_becomes_plain_data() -> None:
    made = checked_metadata({"auc": np.float64(0.5), "rows": (1, None), "by": {"a": [True]}})
    assert made == {"auc": 0.5, "rows": [1, None], "by": {"a": [True]}}
    assert type(made["auc"]) is float


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"a": [1, np.int64(3)]}, r"metadata\['a'\]\[1\] must be JSON.*numpy.int64"),
        ({"a": {"b": float("nan")}}, r"metadata\['a'\]\['b'\] is nan"),
        ({"a": {1: 2}}, "texts as keys, got 1"),
        ({"a": {1, 2}}, "builtins.set"),
        ([], "must be a dict"),
    ],
    ids=str,
)
def test_bad_metadata_is_refused_naming_the_place(metadata: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        checked_metadata(metadata)
