import subprocess
import sys
import typing
from typing import Annotated, Any

import numpy as np
import pandas as pd
import pytest

from minibento.errors import DeclarationError
from minibento.io.base import Refused
from minibento.io.table import codec


class Old(typing.TypedDict):
    n: int


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 reads it")
@pytest.mark.parametrize("hint", [Old, list[Old]])
def test_a_plain_typeddict_is_refused_with_the_mend(hint: object) -> None:
    with pytest.raises(DeclarationError, match=r"typing_extensions\.TypedDict"):
        codec(hint, "S.m: x")


@pytest.mark.parametrize("hint", [type("Odd", (), {}), list[typing.IO[str]]])
def test_a_hint_that_cannot_travel_is_refused_with_its_place(hint: object) -> None:
    with pytest.raises(DeclarationError, match=r"S\.m: x: "):
        codec(hint, "S.m: x")


HELD: list[tuple[Any, bytes]] = [
    (dict[str, np.ndarray], b'{"a":[1.5,2.0]}'),
    (list[Annotated[np.ndarray, np.float32, (None,)]], b"[[1.0],[2.0,3.0]]"),
    (tuple[np.ndarray, np.ndarray], b"[[1],[2]]"),
    (np.ndarray | None, b"null"),
    (np.ndarray | None, b"[1,2]"),
    (dict[str, list[pd.DataFrame]], b'{"x":[[{"a":1},{"a":2}]]}'),
]


@pytest.mark.parametrize(("hint", "body"), HELD, ids=str)
def test_arrays_and_frames_travel_inside_of_lists_dicts_and_unions(hint: Any, body: bytes) -> None:
    made = codec(hint, "S.m: x")
    assert made.encode(made.decoders["application/json"](body)) == body


def test_a_flaw_inside_of_a_held_array_has_its_whole_place() -> None:
    with pytest.raises(Refused) as caught:
        codec(dict[str, np.ndarray], "S.m: x").decoders["application/json"](b'{"a":[[1],[2,3]]}')
    assert [flaw.field for flaw in caught.value.flaws] == ["a.1"]


def test_a_codec_for_plain_types_imports_no_pandas() -> None:
    code = (
        "import sys; from minibento.io.table import codec; codec(dict[str, int], 'x');"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
