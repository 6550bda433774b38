"""The public names: all of them, no more, and each of them there."""

import re

import minibento


def test_the_public_names_are_these() -> None:
    assert sorted(minibento.__all__) == minibento.__all__
    errors = {name for name in minibento.__all__ if name in minibento._ERRORS}
    assert set(minibento.__all__) - errors == {
        "Context", "Runner", "Service", "Tag", "__version__", "api", "method", "models",
        "on_shutdown", "on_startup", "picklable_model", "ready", "service", "sklearn", "testing",
        "xgboost",
    }  # fmt: skip


def test_every_public_name_can_be_reached() -> None:
    for name in minibento.__all__:
        assert getattr(minibento, name) is not None


def test_the_drawn_tree_of_errors_names_every_error_and_its_status() -> None:
    from minibento import errors

    assert errors.__doc__ is not None
    drawn = re.findall(r"── (\w+).*? (\d{3})  ?", errors.__doc__)
    assert {name: int(status) for name, status in drawn} == {
        name: getattr(errors, name).status for name in errors.__all__ if name != "MinibentoError"
    }
    assert set(errors.__all__) == set(minibento._ERRORS)


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(minibento, "Servce")
