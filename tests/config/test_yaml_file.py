"""The file of `--config`."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from minibento.config.yaml_file import from_file
from minibento.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def texts(file: Path, content: str) -> dict[str, str]:
    file.write_text(content)
    return {".".join(path): given.text for path, given in from_file(file).items()}


def refusal(file: Path, content: str) -> str:
    with pytest.raises(ConfigError) as refused:
        texts(file, content)
    return str(refused.value).replace(str(file), "config.yaml")


def test_values_are_known_by_their_line(file: Path) -> None:
    file.write_text("host: 0.0.0.0\nlog:\n  format: json\n")
    layer = from_file(file)
    assert layer["host",].place == f"{file}:1"
    assert layer["log", "format"].origin == f"file {file}:3"
    assert layer["log", "format"].folder == file.parent


def test_a_value_is_the_text_as_written(file: Path) -> None:
    assert texts(file, "name: 1.10\nport: '80'\naccess_log: no\n") == {
        "name": "1.10",
        "port": "80",
        "access_log": "no",
    }


@pytest.mark.parametrize("content", ["", "# nothing\n", "log:\nrunners:\n", "{}"])
def test_a_file_or_section_without_values_gives_none(file: Path, content: str) -> None:
    assert texts(file, content) == {}


def test_runners_may_share_their_values(file: Path) -> None:
    content = """
runners:
  one: &usual {workers: 2, threads: 1}
  two: &more {<<: *usual, threads: 2}
  three: *more
"""
    assert texts(file, content) == {
        "runners.one.workers": "2",
        "runners.one.threads": "1",
        "runners.two.workers": "2",
        "runners.two.threads": "2",
        "runners.three.workers": "2",
        "runners.three.threads": "2",
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a: 1", "config.yaml:1: unknown key 'a': the keys are name, host"),
        ("\napi_worker: 2", "config.yaml:2: unknown key 'api_worker': did you mean 'api_workers'?"),
        (
            "runners:\n  model:\n    worker: 2",
            "config.yaml:3: runners.model has no key 'worker': did you mean 'workers'?",
        ),
        ("port:", "config.yaml:1: port is empty, must be a whole number from 0 to 65535; leave"),
        ("port: null", "config.yaml:1: port is empty"),
        ("port: [1]", "config.yaml:1: port is a list, must be a whole number"),
        ("port: {a: 1}", "config.yaml:1: port has keys below it, must be a whole number"),
        ("log: json", "config.yaml:1: log is 'json', must hold keys: format, level"),
        ("runners: [model]", "config.yaml:1: runners is a list, must hold keys: names"),
        ("- a", "config.yaml:1: the file is a list, must hold keys: name, host"),
        ("null", "config.yaml:1: the file is empty, must hold keys"),
        ("port: 1\nport: 2", "config.yaml:2: 'port' stands twice, first in line 1"),
        ("[1]: 2", "config.yaml:1: a key is text, not a sequence"),
        ("auth: {keys_file: keys}", "config.yaml:1: auth is not built yet"),
        ("port: !env PORT", "config.yaml:1: the tag !env means nothing here"),
        ("log: !!python/object:os.x {level: info}", "config.yaml:1: the tag "),
        ("port: *nothing", "config.yaml:1: not YAML: found undefined alias"),
        ("port: 1\n- bad", "config.yaml:2: not YAML: "),
        ("a: 1\n---\nb: 2", "config.yaml:2: not YAML: but found another document"),
        ("\x00", "config.yaml cannot be read: unacceptable character"),
        ("log: &a\n  level: *a", "config.yaml:1: log.level has keys below it, must be debug"),
        ("[" * 5000, "config.yaml: nested too deeply"),
    ],
)
def test_a_wrong_file_is_refused_with_the_line(file: Path, content: str, said: str) -> None:
    assert refusal(file, content).startswith(said)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        from_file(tmp_path / "nosuch.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        from_file(tmp_path)


WORDS = ["port", "log", "level", "runners", "model", "env", "workers", "info", "1", "null", "<<"]
MARKS = [": ", ":\n", "\n", "  ", "- ", "{", "}", "[", "]", ",", "&a ", "*a", "'", "|", "!t ", "#"]


@given(st.lists(st.sampled_from([*WORDS, *MARKS]), max_size=25).map("".join))
@example("<<: ")
@example("port: 1\n<<: [1]")
@settings(max_examples=300, deadline=None)
def test_any_text_is_values_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_text(text)
    try:
        layer = from_file(file)
    except ConfigError as error:
        refused = str(error)
    else:
        refused = ""
        assert all(isinstance(one.text, str) for one in layer.values())
    assert refused == "" or refused.startswith(str(file))
