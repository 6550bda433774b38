"""The adapter of any object that can be pickled."""

from pathlib import Path

from minibento.frameworks.picklable_model import PicklableModel
from minibento.wire.row_spec import RowSpec
from tests.frameworks.directory import Directory


def test_a_function_is_called_one_item_at_a_time() -> None:
    assert PicklableModel().methods(len) == {"__call__": False}


def test_an_object_that_cannot_be_called_has_no_method_of_its_own() -> None:
    assert PicklableModel().methods({"a": 1}) == {}


def test_an_object_comes_back(tmp_path: Path) -> None:
    adapter = PicklableModel()
    saved = adapter.save(lambda x: x + 1, tmp_path, {})
    assert (adapter.executes_code(saved.options), saved.by_value) == (True, True)
    loaded = adapter.load(Directory(tmp_path), saved.options)
    assert adapter.runnable(loaded)(1) == 2
    assert adapter.rows(loaded) == RowSpec("auto")
