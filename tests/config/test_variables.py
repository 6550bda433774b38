"""`MINIBENTO_...` variables."""

import pytest

from minibento.config.variables import from_variables
from minibento.errors import ConfigError


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("MINIBENTO_PORT", ("port",)),
        ("MINIBENTO_API_WORKERS", ("api_workers",)),
        ("MINIBENTO_LOG__FORMAT", ("log", "format")),
        ("MINIBENTO_LIMITS__BODY_BYTES", ("limits", "body_bytes")),
        ("MINIBENTO_RUNNERS__MODEL__WORKERS", ("runners", "model", "workers")),
        ("MINIBENTO_RUNNERS__A_MODEL__MAX_QUEUE", ("runners", "a_model", "max_queue")),
        (
            "MINIBENTO_RUNNERS__MODEL__ENV__OMP_NUM_THREADS",
            ("runners", "model", "env", "OMP_NUM_THREADS"),
        ),
        ("MINIBENTO_RUNNERS__MODEL__ENV__a__B", ("runners", "model", "env", "a__B")),
        (
            "MINIBENTO_RUNNERS__MODEL__ENV__SERVICE_PORT",
            ("runners", "model", "env", "SERVICE_PORT"),
        ),
    ],
)
def test_a_variable_stands_for_a_key(name: str, path: tuple[str, ...]) -> None:
    layer = from_variables({name: "1"})
    assert list(layer) == [path]
    assert layer[path].origin == layer[path].place == name


def test_variables_of_others_are_left_alone() -> None:
    others = ("MINIBENTO_HOME", "MINIBENTO_RUN_DIR", "MINIBENTO_BUNDLE", "_MINIBENTO_COMPLETE")
    assert from_variables(dict.fromkeys((*others, "PATH", "PORT"), "x")) == {}


def test_an_empty_variable_is_not_given() -> None:
    assert from_variables({"MINIBENTO_PORT": "", "MINIBENTO_NOSUCH": ""}) == {}


def test_what_kubernetes_says_of_a_service_called_minibento_is_left_alone() -> None:
    tcp = "tcp://10.0.0.1:80"
    assert not from_variables(
        {
            "MINIBENTO_SERVICE_HOST": "10.0.0.1",
            "MINIBENTO_SERVICE_PORT": "80",
            "MINIBENTO_SERVICE_PORT_HTTP": "80",
            "MINIBENTO_PORT": tcp,
            "MINIBENTO_PORT_80_TCP": tcp,
            "MINIBENTO_PORT_80_TCP_PROTO": "tcp",
            "MINIBENTO_PORT_80_TCP_ADDR": "10.0.0.1",
            "MINIBENTO_CREDIT_SERVICE_HOST": "10.0.0.1",
            "MINIBENTO_CREDIT_PORT": tcp,
        }
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "MINIBENTO_API_WORKER",
            "MINIBENTO_API_WORKER: unknown key 'api_worker': did you mean 'api_workers'?",
        ),
        (
            "MINIBENTO_LOG_LEVEL",
            (
                "MINIBENTO_LOG_LEVEL: unknown key 'log_level': two underscores stand between a key "
                "and one below it, such as MINIBENTO_LOG__FORMAT"
            ),
        ),
        (
            "MINIBENTO_RUNNERS_MODEL_WORKERS",
            (
                "MINIBENTO_RUNNERS_MODEL_WORKERS: unknown key 'runners_model_workers': two "
                "underscores stand between a key and one below it, such as "
                "MINIBENTO_RUNNERS__MODEL__WORKERS"
            ),
        ),
        (
            "MINIBENTO_RUNNERS__MODEL__WORKER",
            (
                "MINIBENTO_RUNNERS__MODEL__WORKER: runners.model has no key 'worker': did you mean "
                "'workers'?"
            ),
        ),
        ("MINIBENTO_AUTH__KEYS_FILE", "MINIBENTO_AUTH__KEYS_FILE: auth is not built yet"),
        ("MINIBENTO_", "MINIBENTO_: unknown key ''"),
        ("MINIBENTO_LOG", "MINIBENTO_LOG: log has no value of its own"),
    ],
)
def test_a_variable_that_stands_for_no_key_is_refused(name: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        from_variables({name: "1"})
    assert str(refused.value).startswith(said)


def test_one_key_in_two_spellings_is_refused() -> None:
    with pytest.raises(ConfigError, match="port is given twice"):
        from_variables({"MINIBENTO_PORT": "1", "MINIBENTO_port": "2"})
