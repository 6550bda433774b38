"""Which keys there are."""

import pytest

from minibento.config.keys import KEYS, below, dotted, kind_of, leaves
from minibento.errors import ConfigError


def test_every_key_of_the_settings_is_there_once() -> None:
    found = [dotted(path) for path, _ in leaves()]
    assert len(found) == len(set(found))
    assert {"port", "log.format", "limits.body_bytes", "tls.key", "runners.*.workers"} < set(found)
    assert "runners.*.env.*" in found


def test_the_names_of_runners_and_of_their_variables_are_free() -> None:
    assert kind_of(("runners", "model", "workers"), "x").accepts.startswith("a whole number")
    assert kind_of(("runners", "model", "env", "OMP_NUM_THREADS"), "x").accepts == "text"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("prot", "x: unknown key 'prot': did you mean 'port'?"),
        ("log.fromat", "x: log has no key 'fromat': did you mean 'format'?"),
        ("runners.model.worker", "x: runners.model has no key 'worker': did you mean 'workers'?"),
        ("zzz", "x: unknown key 'zzz': the keys are name, host, port"),
        ("port.number", "x: port has no keys below it"),
        ("log", "x: log has no value of its own but keys below it: log.format, log.level"),
        ("runners", "x: runners has no value of its own but keys below it: runners.NAME"),
        ("auth.keys_file", "x: auth is not built yet: "),
        ("auth", "x: auth is not built yet: "),
        ("runners..workers", "x: runners has no key ''"),
    ],
)
def test_a_key_that_is_none_is_refused_with_what_was_meant(path: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        kind_of(tuple(path.split(".")), "x")
    assert str(refused.value).startswith(said)


def test_a_star_is_no_key() -> None:
    with pytest.raises(ConfigError):
        below(KEYS, (), "*", "x")
