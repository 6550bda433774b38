"""The plain data that says how a server runs."""

import json
from dataclasses import fields

from minibento.config.settings import Config, Limits, LogSettings, RunnerSettings, Tls
from minibento.runners.options import Options


def test_nothing_configured_is_the_documented_default() -> None:
    config = Config()
    assert (config.host, config.port, config.api_workers) == ("127.0.0.1", 3000, None)
    assert (config.start_timeout, config.grace) == (120, 60)
    assert config.limits == Limits(10, 64 << 10, 30, 64 << 20, 1 << 30, 75)
    assert config.tls is None


def test_it_is_the_same_after_a_way_through_json() -> None:
    config = Config(
        name="credit",
        api_workers=2,
        access_log=False,
        grace=0,
        log=LogSettings("json", "debug"),
        limits=Limits(body_bytes=5),
        tls=Tls("/cert.pem", "/key.pem"),
        runners={"model": RunnerSettings(workers=2, preload=False, env={"A": "1"})},
    )
    assert Config.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert Config.from_json(json.loads(json.dumps(Config().to_json()))) == Config()


def test_every_option_of_a_runner_can_be_configured() -> None:
    assert {one.name for one in fields(Options)} <= {one.name for one in fields(RunnerSettings)}
