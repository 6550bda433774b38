"""Versions are recorded at saving and compared at loading."""

import warnings

import pytest

from minibento.errors import UsageError
from minibento.models.about import python_version
from minibento.models.libraries import (
    VersionMismatch,
    refuse_other_python,
    versions,
    warn_of_differences,
)
from minibento.tag import Tag

TAG = Tag("credit_risk", "v1")


def test_modules_become_distributions_and_the_standard_library_is_left_out() -> None:
    import numpy
    import sklearn

    found = versions({"numpy", "sklearn", "builtins", "__main__", "not_there"})
    assert found == {"numpy": numpy.__version__, "scikit-learn": sklearn.__version__}


def test_a_differing_version_warns_naming_both() -> None:
    here = versions({"numpy"})["numpy"]
    with pytest.warns(
        VersionMismatch, match=rf"credit_risk:v1.*numpy 1\.0 \(here {here}\)"
    ) as all_:
        warn_of_differences(TAG, {"numpy": "1.0"}, stacklevel=1)
    assert all_[0].filename == __file__


def test_equal_versions_and_absent_distributions_are_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_differences(TAG, {**versions({"numpy"}), "not-there": "1.0"}, stacklevel=1)


def test_another_python_minor_is_refused_naming_both() -> None:
    refuse_other_python(TAG, python_version())
    with pytest.raises(UsageError, match=rf"Python 3\.4; this is Python {python_version()}"):
        refuse_other_python(TAG, "3.4")
