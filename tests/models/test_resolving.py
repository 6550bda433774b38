"""From a tag to a model."""

import pytest

from minibento import models, picklable_model, sklearn
from minibento.errors import InvalidTag, NotFound, UsageError
from minibento.models.resolving import resolving


def save(answer: int) -> models.Model:
    return models.get(picklable_model.save_model("m", lambda _: answer, check=False))


def test_a_name_alone_and_latest_are_the_last_save() -> None:
    save(1)
    last = save(2)
    assert models.get("m").tag == models.get("m:latest").tag == last.tag


def test_what_is_not_there_is_not_found_at_once() -> None:
    with pytest.raises(NotFound):
        models.get("m:production")


@pytest.mark.parametrize("tag", ["../m", "m:a:b", "M", "", None, 3])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    with pytest.raises(InvalidTag):
        models.get(tag)


def test_within_the_block_a_tag_may_stand_for_another_model() -> None:
    first, second = save(1), save(2)
    with resolving({"m": first, "n:production": second}):
        assert models.get("m:latest") is first
        assert models.get("n:production") is second
        assert models.get(second.tag).tag == second.tag
    assert models.get("m").tag == second.tag


def test_a_placeholder_lets_a_service_be_imported_without_a_store() -> None:
    with resolving({"credit_risk:production": None}):
        model = models.get("credit_risk:production")
        with pytest.raises(NotFound):
            models.get("credit_risk:latest")
    assert str(model.tag) == "credit_risk:production"
    assert (model.labels, model.metadata, model.custom_objects) == ({}, {}, {})
    assert (model.method_specs(), model.example(), model.answers()) == ({}, None, None)
    for use in (model.load, model.load_runnable, lambda: model.path):
        with pytest.raises(UsageError, match=r"credit_risk:production is a placeholder"):
            use()


def test_inner_blocks_win_and_end_in_any_order() -> None:
    first, second = save(1), save(2)
    outer, inner = resolving({"m": first}), resolving({"m": second})
    outer.__enter__()
    inner.__enter__()
    assert models.get("m") is second
    outer.__exit__(None, None, None)
    assert models.get("m") is second
    inner.__exit__(None, None, None)


def test_load_model_refuses_another_frameworks_model() -> None:
    save(1)
    with pytest.raises(UsageError, match="saved by picklable_model, not by sklearn"):
        sklearn.load_model("m")
    assert picklable_model.load_model("m")(None) == 1
