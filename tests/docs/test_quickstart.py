"""The quickstart, followed to the letter in an empty folder."""

import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from minibento import testing

CODE = Path(__file__).parents[2] / "docs" / "code" / "quickstart"


def run(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_stranger_gets_from_training_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "iris"
    shutil.copytree(CODE, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    assert run("train.py").startswith("saved iris:")
    assert "1 passed" in run("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_service.py")
    setosa = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    with testing.serve("service:Iris") as server:
        answer = httpx2.post(f"{server.url}/classify", json=setosa)
        assert (answer.status_code, answer.json()) == (200, {"species": "setosa"})
        refused = httpx2.post(f"{server.url}/classify", json=setosa | {"sepal_length": "long"})
        assert refused.status_code == 422
        assert [error["field"] for error in refused.json()["errors"]] == ["sepal_length"]
