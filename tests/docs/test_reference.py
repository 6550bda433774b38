"""docs/reference.md is what the code says."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import minibento

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference.md").read_text("utf-8")


@pytest.fixture
def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_reference", DOCS / "write_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_code_says(writer: ModuleType) -> None:
    assert writer.page() == PAGE, "write it anew: python docs/write_reference.py"


def test_every_public_name_is_on_the_page() -> None:
    for name in minibento.__all__:
        if name != "__version__" and not inspect.ismodule(getattr(minibento, name)):
            assert re.search(rf"\b{name}\b", PAGE), name


def test_defaults_stand_beside_their_arguments() -> None:
    assert "| `timeout` | `60.0` | Seconds until" in PAGE
    assert "| `max_batch_size` | `128` | " in PAGE
    assert "| `format` | `'cloudpickle'` | " in PAGE


def test_an_argument_that_the_docstring_leaves_out_is_refused(writer: ModuleType) -> None:
    def half(told: int, untold: int) -> None:
        """Do something.

        Args:
            told: What it is.
        """

    with pytest.raises(SystemExit, match="untold"):
        writer.entry("half", half)
