"""docs/configuration.md has every key, and its file is one that is accepted."""

import re
from pathlib import Path

import pytest

from minibento.config.keys import dotted, leaves
from minibento.config.layers import read
from minibento.config.settings import Config, RunnerSettings
from minibento.config.table import rows

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text("utf-8")
TABLE = re.compile(r"^\| `([\w.*]+)` \| (.*?) \| (.*?) \|", re.MULTILINE)


def test_the_table_has_every_key_with_what_it_takes_and_its_default() -> None:
    defaults = {row.key: row.cells()[1] for row in rows(read({}, {}, None), {}, {})}
    expected = [
        (dotted(path), kind.accepts.replace("*", r"\*"), defaults.get(dotted(path), ""))
        for path, kind in leaves()
    ]
    assert [(key, takes, shown.strip("`")) for key, takes, shown in TABLE.findall(PAGE)] == expected


def test_the_file_shown_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (shown,) = re.findall(r"(?ms)^```yaml\n(.*?)^```$", PAGE)
    (tmp_path / "config.yaml").write_text(shown)
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).touch()
    config = read({}, {}, tmp_path / "config.yaml").config
    assert config.port == 8080
    assert config.runners["model"] == RunnerSettings(
        workers=2, threads=1, max_latency_ms=50, env={"OMP_WAIT_POLICY": "passive"}
    )
    assert config != Config()


def test_the_variables_shown_are_accepted() -> None:
    (shown,) = re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE)
    variables = dict(line.split("=", 1) for line in shown.splitlines())
    assert len(read({}, variables, None).origins) == len(variables) > 3
