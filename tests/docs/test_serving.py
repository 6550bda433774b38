"""docs/serving.md: its commands do what they show, its files are what they must be."""

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import httpx2
import pytest
import yaml

from minibento.cli.main import root
from tests.processes.serving import Running, running

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "serving.md").read_text("utf-8")
CODE = DOCS / "code" / "serving"
SETOSA = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def without_names(text: str) -> str:
    """The text without what differs from run to run."""
    return re.sub(r"generation \d+", "generation #", re.sub(r"iris:[a-z2-7]{16}", "iris:#", text))


def sessions(heading: str) -> list[tuple[str, str]]:
    """Commands below a heading, each with what the page says it prints."""
    (part,) = re.findall(rf"(?ms)^## {heading}$\n(.*?)^## ", PAGE)
    blocks = "".join(re.findall(r"(?ms)^```console\n(.*?)^```$", part))
    return re.findall(r"^\$ minibento (.*)\n((?:(?!\$ ).*\n)*)", blocks, re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The quickstart, with its model in production and another that was saved after it."""
    folder = tmp_path / "iris"
    shutil.copytree(DOCS / "code" / "quickstart", folder)
    service, train = folder / "service.py", folder / "train.py"
    service.write_text(service.read_text().replace("iris:latest", "iris:production"))
    done(folder, str(train))
    done(folder, "-m", "minibento.cli", "models", "alias", "iris:latest", "production")
    train.write_text(train.read_text().replace("max_iter=1000", "max_iter=1000, C=0.1"))
    done(folder, str(train))
    return folder


def done(folder: Path, *arguments: str, **environment: str) -> str:
    """What a Python program prints."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={
            **os.environ,
            "MINIBENTO_HOME": str(folder / "home"),
            "PYTHONPATH": str(DOCS.parent),
            **environment,
        },
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    ).stdout


@pytest.fixture
def server(folder: Path) -> Iterator[Running]:
    with running(folder) as found:
        yield found


def test_a_model_is_updated_taken_back_and_refused_as_shown(folder: Path, server: Running) -> None:
    shown = sessions("Another model every week, and the way back")
    assert len(shown) == 5

    def run(command: str) -> str:
        directory = str(server.directory.parent)
        arguments = ["-m", "minibento.cli", *shlex.split(command)]
        return done(folder, *arguments, MINIBENTO_RUN_DIR=directory)

    for command, printed in shown[:4]:
        assert without_names(run(command)) == without_names(printed)
        assert server.post("/classify", SETOSA) == {"species": "setosa"}
    run(shown[0][0])
    broken = re.search(r"iris:(\w+)", run("models get iris:latest"))
    assert broken is not None
    (file,) = (folder / "home").glob(f"models/iris/{broken[1]}/model.pkl")
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"coef_", b"COEF_"))
    refused = without_names(run(shown[4][0])).replace(str(file.parent), "...")
    expected = re.sub(r"/srv\S+(?=/model.pkl)", "...", without_names(shown[4][1]))
    assert refused == expected
    assert server.post("/classify", SETOSA) == {"species": "setosa"}


def test_status_shows_the_roles_of_the_page(server: Running) -> None:
    (shown,) = (printed for command, printed in sessions("Its processes") if command == "status")
    roles = [line.split()[0] for line in shown.splitlines()[2:]]
    assert roles == [one["role"] for one in server.status()["processes"]]


def test_what_user_code_counts_in_two_workers_is_one_figure() -> None:
    with running(CODE) as server:
        for _ in range(6):
            with httpx2.Client(base_url=server.server.url) as http:
                assert http.post("/count", json="a good film").json() == 3
        assert len(server.processes("runner-worker")) == 2
        page = server.http.get("/metrics").text
    assert re.search(r"^words_total (\S+)$", page, re.MULTILINE)
    # Answering the stored examples counts too.
    (counted,) = re.findall(r"^words_total (\S+)$", page, re.MULTILINE)
    assert float(counted) >= 18
    told = set(re.findall(r"`(minibento_\w+)`", PAGE))
    there = set(re.findall(r"^# HELP (minibento_\w+) ", page, re.MULTILINE))
    seldom = {"minibento_refused_requests_total"}
    assert told - seldom == there - seldom


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("credit-risk.service", "ini"),
        ("Containerfile", "dockerfile"),
        ("probes.yaml", "yaml"),
        ("nginx.conf", "nginx"),
    ],
)
def test_the_page_shows_the_files_as_they_are(name: str, language: str) -> None:
    assert re.findall(rf"(?ms)^```{language}\n(.*?)^```$", PAGE) == [(CODE / name).read_text()]


def test_the_unit_starts_a_server_that_may_end_in_its_own_time() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    unit.read_string((CODE / "credit-risk.service").read_text())
    service = unit["Service"]
    assert (service["Type"], service["KillMode"]) == ("notify", "mixed")
    start = shlex.split(service["ExecStart"])
    (grace,) = (float(one.removeprefix("grace=")) for one in start if one.startswith("grace="))
    assert float(service["TimeoutStopSec"]) > grace
    serve = root.get_command(click.Context(root), "serve")
    assert serve is not None
    options = {name for one in serve.params for name in one.opts}
    assert {one for one in start[2:] if one.startswith("--")} <= options


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_finds_no_unknown_key_in_the_unit(tmp_path: Path) -> None:
    text = (CODE / "credit-risk.service").read_text().replace("/srv/venv/bin/", "/bin/true ")
    (tmp_path / "credit-risk.service").write_text(text)
    said = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / "credit-risk.service")],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    ).stderr
    assert "Unknown" not in said
    assert "Failed to parse" not in said


def test_a_container_is_not_killed_before_its_grace() -> None:
    probes = yaml.safe_load((CODE / "probes.yaml").read_text())
    assert probes["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert probes["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert probes["terminationGracePeriodSeconds"] > 60
