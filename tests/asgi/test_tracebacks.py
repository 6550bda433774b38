import sysconfig
import traceback
from pathlib import Path

import pytest

import minibento
from minibento.asgi.tracebacks import last_line

OURS = Path(minibento.__file__).parent / "asgi" / "endpoint.py"
LIBRARY = Path(sysconfig.get_path("purelib")) / "sklearn" / "base.py"
PYTHON = Path(sysconfig.get_path("stdlib")) / "json" / "decoder.py"


def trace(*files: str | Path, said: str = "ValueError: no") -> str:
    steps = "".join(
        f'  File "{file}", line {number}, in f{number}\n    code()\n'
        for number, file in enumerate(files, 1)
    )
    return f"Traceback (most recent call last):\n{steps}{said}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (trace(OURS, "/u/service.py"), "ValueError: no (/u/service.py, line 2, in f2)"),
        (trace("/u/a.py", "/u/b.py", LIBRARY), "ValueError: no (/u/b.py, line 2, in f2)"),
        (trace("/u/a.py", PYTHON, "<string>"), "ValueError: no (/u/a.py, line 1, in f1)"),
        (trace(OURS, LIBRARY), f"ValueError: no ({LIBRARY}, line 2, in f2)"),
        (
            trace("/u/a.py", said="KeyError: 'a'\nb\na note"),
            "KeyError: 'a' (/u/a.py, line 1, in f1)",
        ),
        (
            trace("/u/a.py") + "\nThe above exception was the direct cause ...\n\n" + trace(OURS),
            "ValueError: no (/u/a.py, line 1, in f1)",
        ),
        ("ValueError: no\n", "ValueError: no"),
        ("", ""),
    ],
)
def test_it_is_what_was_said_and_the_last_place_in_the_users_code(
    text: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not below the folder of the libraries, whose files would be named from there.
    monkeypatch.chdir(tmp_path)
    assert last_line(text) == line


def test_a_file_below_the_current_folder_is_named_from_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    try:
        int("x")
    except ValueError as error:
        text = "".join(traceback.format_exception(error))
    assert "(tests/asgi/test_tracebacks.py, line " in last_line(text)
