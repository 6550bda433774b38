"""What `--show-config` shows."""

from typing import Any

from minibento.config.layers import read
from minibento.config.table import document, rows

DEFAULTS = {"timeout": 60.0, "runners": {"*": {"workers": 1, "max_batch_size": 128}}}


def shown(
    flags: dict[str, Any], environment: dict[str, str], declared: dict[str, Any]
) -> dict[str, tuple[str, str]]:
    found = rows(read(flags, environment, None), declared, DEFAULTS)
    return {key: (value, origin) for key, value, origin in (row.cells() for row in found)}


def test_each_value_has_who_said_it() -> None:
    declared = {
        "name": "CreditRisk",
        "timeout": 60.0,
        "runners": {"model": {"workers": 1, "threads": None, "max_batch_size": 64}},
    }
    table = shown(
        {"port": 80, "access_log": False},
        {"MINIBENTO_RUNNERS__MODEL__THREADS": "2"},
        declared,
    )
    assert table["port"] == ("80", "flag --port")
    assert table["access_log"] == ("false", "flag --no-access-log")
    assert table["name"] == ("CreditRisk", "decorator")
    assert table["timeout"] == ("60", "default")
    assert table["start_timeout"] == ("120", "default")
    assert table["log.format"] == ("", "default")
    assert table["runners.model.workers"] == ("1", "default")
    assert table["runners.model.threads"] == ("2", "MINIBENTO_RUNNERS__MODEL__THREADS")
    assert table["runners.model.max_batch_size"] == ("64", "decorator")


def test_a_runner_has_its_real_name_whoever_spelled_it() -> None:
    table = shown(
        {"set": ["runners.model.env.A=1"]},
        {"MINIBENTO_RUNNERS__MODEL__WORKERS": "2"},
        {"runners": {"Model": {}}},
    )
    assert table["runners.Model.workers"] == ("2", "MINIBENTO_RUNNERS__MODEL__WORKERS")
    assert table["runners.Model.env.A"] == ("1", "flag --set runners.model.env.A")
    assert not [key for key in table if key.startswith("runners.model")]


def test_variables_that_are_likely_secrets_are_not_shown() -> None:
    table = shown(
        {"set": ["runners.m.env.API_TOKEN=x", "runners.m.env.HOME=/x"]},
        {},
        {"runners": {"m": {}}},
    )
    assert table["runners.m.env.API_TOKEN"][0] == "(hidden)"
    assert table["runners.m.env.HOME"][0] == "/x"


def test_machines_get_the_values_themselves() -> None:
    found = document(rows(read({"port": 80}, {}, None), {}, {}))
    assert found["port"] == {"value": 80, "from": "flag --port"}
    assert found["access_log"] == {"value": True, "from": "default"}
    assert found["api_workers"] == {"value": None, "from": "default"}
