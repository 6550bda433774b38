"""The pickle format: by value where a script defines it, by reference elsewhere."""

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest

from minibento.errors import DeclarationError, MissingLibrary
from minibento.frameworks.pickled import dumps, loads


def module_function(x: int) -> int:
    return x + 1


def test_an_importable_function_goes_in_by_reference() -> None:
    made = dumps(module_function)
    assert not made.by_value
    assert "tests" in made.modules
    assert loads(made.data) is module_function


def test_a_function_made_on_the_spot_goes_in_by_value() -> None:
    made = dumps({"plus": lambda x: np.sqrt(x) + 1})
    assert made.by_value
    assert "numpy" in made.modules
    assert loads(made.data)["plus"](4) == 3


def test_data_holds_no_code_and_names_its_library() -> None:
    made = dumps(np.arange(3))
    assert not made.by_value
    assert made.modules == {"numpy"}


def test_what_a_script_defines_is_found_where_the_script_is_not(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        textwrap.dedent("""
            import sys
            from minibento.frameworks.pickled import dumps
            class Doubler:
                def predict(self, x): return helper(x)
            def helper(x): return 2 * x
            made = dumps(Doubler())
            assert made.by_value
            open(sys.argv[1], "wb").write(made.data)
            """)
    )
    written = tmp_path / "model.pkl"
    root = str(Path(__file__).parents[2])
    subprocess.run(
        [sys.executable, str(tmp_path / "train.py"), str(written)],
        check=True,
        timeout=60,
        env={"PYTHONPATH": root},
    )
    assert loads(written.read_bytes()).predict(21) == 42


def test_what_cannot_be_pickled_is_named() -> None:
    with pytest.raises(DeclarationError, match=r"dict cannot be pickled: .*lock"):
        dumps({"lock": threading.Lock()})


def test_a_module_that_is_not_here_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone_features.py").write_text("def logs(x): return x\n")
    monkeypatch.syspath_prepend(tmp_path)
    import gone_features  # type: ignore[import-not-found]

    data = dumps(gone_features.logs).data
    monkeypatch.undo()
    monkeypatch.delitem(sys.modules, "gone_features")
    with pytest.raises(MissingLibrary, match="the module 'gone_features'") as raised:
        loads(data)
    assert raised.value.name == "gone_features"


def test_of_a_module_that_an_extra_brings_the_command_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sklearn.preprocessing import StandardScaler

    data = dumps(StandardScaler()).data
    for name in [one for one in sys.modules if one.partition(".")[0] == "sklearn"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingLibrary, match=r"pip install 'minibento\[sklearn\]'"):
        loads(data)


def test_a_name_that_a_module_no_longer_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    data = dumps(module_function).data
    monkeypatch.delattr(sys.modules[__name__], "module_function")
    with pytest.raises(MissingLibrary, match=r"'module_function' of the module 'tests\.frameworks"):
        loads(data)
