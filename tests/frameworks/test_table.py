"""The table of adapters."""

import subprocess
import sys

import pytest

from minibento.errors import NotFound
from minibento.frameworks.table import ADAPTERS, adapter


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_row_loads_an_adapter_of_its_name(name: str) -> None:
    assert adapter(name).name == name


def test_an_unknown_framework_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(NotFound, match=r"'prophet'.*sklearn, xgboost"):
        adapter("prophet")


def test_an_adapter_loads_no_other_library_than_its_own() -> None:
    code = (
        "import sys; from minibento.frameworks.table import adapter; adapter('picklable_model'); "
        "assert not {'sklearn', 'xgboost', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
