import subprocess
import sys
import typing

import pytest

from minibento.errors import DeclarationError
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


def test_a_codec_for_plain_types_imports_no_pandas() -> None:
    code = (
        "import sys; from minibento.io.table import codec; codec(dict[str, int], 'x');"
        "sys.exit('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
