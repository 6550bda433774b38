"""The safe format: known types only, the same bytes each time, never a pickle."""

import io
import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from minibento.errors import Corrupt, DeclarationError
from minibento.frameworks.skops_format import dumps, loads

X = np.random.default_rng(0).random((40, 3))
Y = (X[:, 0] > 0.5).astype(int)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(StandardScaler(), LogisticRegression()),
        RandomForestClassifier(3),
    ],
    ids=["pipeline", "forest"],
)
def test_a_model_answers_the_same_from_settled_bytes(model: Any) -> None:
    model.fit(X, Y)
    data = dumps(model)
    loaded = loads(data)
    assert np.array_equal(loaded.predict(X), model.predict(X))
    assert dumps(model) == data


def test_parts_that_are_shared_stay_shared() -> None:
    encoder = OneHotEncoder().fit([["a"], ["b"]])
    shared = np.arange(3.0)
    encoder.first, encoder.second = shared, shared
    loaded = loads(dumps(encoder))
    assert loaded.first is loaded.second
    assert loaded.first.tolist() == [0, 1, 2]


def test_two_processes_write_the_same_bytes() -> None:
    code = (
        "import sys, hashlib; from minibento.frameworks.skops_format import dumps;"
        "from sklearn.feature_extraction import DictVectorizer;"
        "print(hashlib.sha256(dumps(DictVectorizer().fit([{'b': 1, 'a': 'x'}]))).hexdigest())"
    )
    printed = {
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout
        for _ in range(2)
    }
    assert len(printed) == 1


def test_types_that_are_not_known_are_named() -> None:
    with pytest.raises(DeclarationError, match=r"sklearn\.neighbors\._kd_tree\.KDTree"):
        dumps(KNeighborsClassifier(algorithm="kd_tree").fit(X, Y))


def test_what_skops_cannot_write_is_refused_with_the_mend() -> None:
    with pytest.raises(DeclarationError, match='format="cloudpickle"'):
        dumps(iter([1]))


def whole() -> bytes:
    return dumps(DictVectorizer().fit([{"a": 1}]))


def other_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("other.txt", "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data", [b"", b"\x80\x05.", whole()[:-30], b"PK", other_zip()], ids=lambda data: str(data[:8])
)
def test_what_is_no_skops_file_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt, match="skops file"):
        loads(data)
