"""Which of several sources decides."""

import subprocess
import sys
from pathlib import Path

import pytest

from minibento.config.layers import read
from minibento.config.settings import Config, RunnerSettings, Tls
from minibento.errors import ConfigError


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("host: 0.0.0.0\nport: 3\napi_workers: 3\n")
    return Path("config.yaml")


def refusal(*arguments: object) -> str:
    with pytest.raises(ConfigError) as refused:
        read(*arguments)  # type: ignore[arg-type]
    return str(refused.value)


def test_a_flag_goes_before_a_variable_and_that_before_the_file(file: Path) -> None:
    variables = {"MINIBENTO_PORT": "2", "MINIBENTO_API_WORKERS": "2"}
    resolved = read({"port": 1}, variables, file)
    config = resolved.config
    assert (config.port, config.api_workers, config.host) == (1, 2, "0.0.0.0")
    assert resolved.origins == {
        "port": "flag --port",
        "api_workers": "MINIBENTO_API_WORKERS",
        "host": "file config.yaml:1",
    }


def test_nothing_said_is_the_default() -> None:
    resolved = read({}, {}, None)
    assert resolved.config == Config()
    assert resolved.origins == {}


def test_sources_meet_in_one_runner(file: Path) -> None:
    file.write_text("runners: {Model: {workers: 1, threads: 1, env: {A: 1, B: 1}}}")
    variables = {
        "MINIBENTO_RUNNERS__MODEL__WORKERS": "2",
        "MINIBENTO_RUNNERS__MODEL__ENV__B": "2",
        "MINIBENTO_RUNNERS__OTHER__PLACEMENT": "embedded",
    }
    config = read({"set": ["runners.Model.max_latency_ms=5"]}, variables, file).config
    assert config.runners == {
        "Model": RunnerSettings(workers=2, threads=1, max_latency_ms=5, env={"A": "1", "B": "2"}),
        "other": RunnerSettings(placement="embedded"),
    }


def test_a_value_says_what_it_is_and_what_is_accepted(file: Path) -> None:
    file.write_text("limits:\n  body_bytes: lots\n")
    assert refusal({}, {}, file) == (
        "config.yaml:2: limits.body_bytes is 'lots', must be a number of bytes above 0, "
        "such as 65536, 64KiB or 64MiB"
    )
    assert refusal({}, {"MINIBENTO_PORT": "99999"}, None) == (
        "MINIBENTO_PORT: port is '99999', must be a whole number from 0 to 65535"
    )
    assert refusal({"set": ["log.level=loud"]}, {}, None) == (
        "--set log.level: log.level is 'loud', must be debug, info, warning or error"
    )


def test_a_wrong_value_is_refused_also_where_another_source_decides(file: Path) -> None:
    assert "MINIBENTO_PORT" in refusal({"port": 1}, {"MINIBENTO_PORT": "x"}, None)


def test_the_files_of_tls_are_meant_from_the_folder_of_the_file(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("cert.pem", "key.pem"):
        (inner / name).touch()
    (inner / "config.yaml").write_text("tls: {certificate: cert.pem, key: key.pem}")
    config = read({}, {}, inner / "config.yaml").config
    assert config.tls == Tls(str(inner / "cert.pem"), str(inner / "key.pem"))


def test_the_files_of_tls_are_both_there(file: Path) -> None:
    said = "--set tls.key: tls.key: {} is no file that this user can read"
    assert refusal({"set": ["tls.key=no.pem"]}, {}, None).startswith(
        said.format(file.absolute().parent / "no.pem")
    )
    Path("key.pem").touch()
    assert refusal({"set": ["tls.key=key.pem"]}, {}, None) == (
        "tls.certificate is missing: tls takes certificate and key"
    )


def test_yaml_is_loaded_only_where_there_is_a_file() -> None:
    code = "import sys; from minibento.config.layers import read; read({}, {}, None)"
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert not {"yaml", "pydantic", "numpy", "click", "starlette"} & set(loaded)
