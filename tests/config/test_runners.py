"""Configuration against the runners that are there."""

import pytest

from minibento.config.runners import check_runners, runner_options
from minibento.config.settings import Config, RunnerSettings
from minibento.errors import ConfigError

TWO = RunnerSettings(workers=2)


def test_a_configured_runner_gets_its_real_name() -> None:
    config = Config(runners={"model": TWO, "other": RunnerSettings()})
    assert check_runners(config, ["Model", "other"]).runners == {
        "Model": TWO,
        "other": RunnerSettings(),
    }
    assert check_runners(Config(), ["model"]) == Config()


def test_the_exact_name_goes_before_one_in_other_capitals() -> None:
    config = Config(runners={"MODEL": RunnerSettings(), "model": TWO})
    assert check_runners(config, ["model", "Model"]).runners["model"] == TWO


@pytest.mark.parametrize(
    ("configured", "names", "said"),
    [
        (["modle"], ["model", "other"], "no such runner: did you mean 'model'?"),
        (["x"], ["model", "other"], "no such runner: its runners are model, other"),
        (["model"], [], "the service has no runner: remove it"),
        (["MODEL"], ["model", "Model"], "no such runner: did you mean"),
        (["model", "Model"], ["model"], "runners.Model is configured"),
    ],
)
def test_a_configured_runner_that_is_not_there_is_refused(
    configured: list[str], names: list[str], said: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        check_runners(Config(runners=dict.fromkeys(configured, TWO)), names)
    assert said in str(refused.value)


def test_what_is_configured_goes_before_what_is_declared() -> None:
    settings = RunnerSettings(workers=2, preload=False, env={"A": "2"})
    declared = {"workers": 1, "threads": 4, "preload": None, "env": {"A": "1", "B": "1"}}
    assert runner_options(settings, declared) == {
        "workers": 2,
        "threads": 4,
        "preload": False,
        "env": {"A": "2", "B": "1"},
    }


def test_without_configuration_the_declaration_stands() -> None:
    declared = {"workers": 3}
    assert runner_options(None, declared) == {"workers": 3}
    assert runner_options(None, declared) is not declared
