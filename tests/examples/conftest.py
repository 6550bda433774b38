"""The credit-risk example, trained once and served once for all its tests."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from minibento import testing

EXAMPLE = Path(__file__).parents[2] / "examples" / "credit_risk"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What train.py printed; its store is `$MINIBENTO_HOME` of the tests that ask for this."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MINIBENTO_HOME", str(tmp_path_factory.mktemp("home")))
        yield subprocess.run(
            [sys.executable, "train.py"],
            cwd=EXAMPLE,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=110,
        ).stdout


@pytest.fixture(scope="session")
def example() -> Callable[[str], ModuleType]:
    """Imports a file of the example under a name that no other test's `service` has."""

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(f"credit_risk_{name}", EXAMPLE / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def server(trained: str) -> Iterator[str]:
    """URL of the example, served by the command."""
    with testing.serve("service:CreditRisk", folder=EXAMPLE) as running:
        yield running.url
