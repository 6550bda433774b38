"""Values of options and of `--set`."""

import pytest

from minibento.config.command_line import from_flags
from minibento.errors import ConfigError


def test_options_that_were_not_given_are_no_values() -> None:
    assert from_flags({"port": None, "set": ()}) == {}
    assert from_flags({}) == {}


def test_options_are_known_by_their_name() -> None:
    layer = from_flags({"api_workers": 2, "access_log": False, "log.format": "json"})
    assert {path: (one.text, one.origin) for path, one in layer.items()} == {
        ("api_workers",): ("2", "flag --api-workers"),
        ("access_log",): ("false", "flag --no-access-log"),
        ("log", "format"): ("json", "flag --log-format"),
    }


def test_set_takes_any_key() -> None:
    layer = from_flags({"set": ("runners.model.workers=2", "name = a=b", "log.level=")})
    assert {path: one.text for path, one in layer.items()} == {
        ("runners", "model", "workers"): "2",
        ("name",): "a=b",
        ("log", "level"): "",
    }
    assert layer["name",].origin == "flag --set name"


def test_a_variables_name_may_hold_dots() -> None:
    (path,) = from_flags({"set": ("runners.model.env.A.B=1",)})
    assert path == ("runners", "model", "env", "A.B")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"set": ["port"]}, "--set 'port' has no value: write --set port=VALUE, as one word"),
        ({"set": ["port:"]}, "--set 'port:' has no value: write --set port=VALUE, as one word"),
        ({"set": [""]}, "--set '' has no value: write --set port=VALUE, as one word"),
        ({"set": ["prot=1"]}, "--set prot: unknown key 'prot': did you mean 'port'?"),
        (
            {"port": 1, "set": ["port=2"]},
            "port is given twice, by --port and by --set port: keep one of them",
        ),
        ({"set": ["port=1", "port=2"]}, "port is given twice"),
    ],
)
def test_a_wrong_set_is_refused(flags: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        from_flags(flags)
    assert str(refused.value).startswith(said)
