"""Configuration against the runners that a service really has; knows no runner object."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any

from minibento.config.settings import Config, RunnerSettings
from minibento.errors import ConfigError
from minibento.wording import did_you_mean

__all__ = ["check_runners", "real_names", "runner_options", "without_place"]

# What a runner's worker is not told: where it computes, its variables, how long it serves.
_OF_PLACE = {"placement", "env", "max_requests", "max_memory"}


def check_runners(config: Config, names: Iterable[str]) -> Config:
    """The configuration with each runner under its real name.

    Variables cannot tell capitals from small letters, so a name may differ in them.

    Raises:
        ConfigError: a configured runner that the service does not have.
    """
    real = real_names(config.runners, names)
    return replace(config, runners={real[name]: one for name, one in config.runners.items()})


def real_names(configured: Iterable[str], names: Iterable[str]) -> dict[str, str]:
    """The real name of each configured runner; see `check_runners`."""
    configured, names = list(configured), list(names)
    found = {name: name for name in configured if name in names}
    for name in configured:
        if name in found:
            continue
        near = [one for one in names if one.lower() == name.lower() and one not in found.values()]
        if len(near) != 1:
            raise ConfigError(_unknown(name, names))
        found[name] = near[0]
    return found


def _unknown(name: str, names: list[str]) -> str:
    if not names:
        return f"runners.{name} is configured, and the service has no runner: remove it"
    mend = did_you_mean(name.lower(), names, f"its runners are {', '.join(names)}")
    return f"runners.{name} is configured, and the service has no such runner: {mend}"


def runner_options(settings: RunnerSettings | None, declared: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a runner: what is configured, else what is declared; `env` by variable."""
    options = dict(declared)
    for one in fields(RunnerSettings):
        value = getattr(settings, one.name, None)
        if value is None:
            continue
        if one.name == "env":
            value = {**(options.get("env") or {}), **value}
        options[one.name] = value
    return options


def without_place(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a runner itself is told of its options: not what concerns its processes."""
    return {name: value for name, value in options.items() if name not in _OF_PLACE}
