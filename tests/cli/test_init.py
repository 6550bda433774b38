"""`minibento init`: what it writes runs, passes its own test and is clean."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction import DictVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from minibento import picklable_model, sklearn
from minibento.testing import serve
from tests.cli.conftest import Run

NUMBERS = np.arange(12.0).reshape(4, 3)
FRAME = pd.DataFrame(
    {
        "sepal length (cm)": [1.0, 2.0, float("nan")],
        "class": ["a", "b", "a"],
        "copy": [1, 2, 3],
        "kind": pd.Categorical(["x", "y", "x"]),
    }
)
ROWS = [
    {"seniority": 3, "home": "owner", "income": float("nan")},
    {"seniority": 1, "home": "rent", "income": 5.5},
    {"seniority": 9, "home": "rent", "income": 1},
]
WRITTEN = ["README.md", "minibento.yaml", "service.py", "test_service.py"]


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Python in this folder, with this project on its path."""
    paths = [*filter(None, sys.path), str(Path(__file__).parents[2])]
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


def passes_its_own_test(folder: Path) -> None:
    options = ["-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(folder)]
    done = python(folder, "-m", "pytest", *options)
    assert done.returncode == 0, done.stdout


def is_clean(folder: Path) -> None:
    rules = "E,F,I,W,UP,B,N,RUF"
    for options in (["check", "--select", rules], ["format", "--check", "--diff"]):
        done = python(folder, "-m", "ruff", *options, "--isolated", "--no-cache", ".")
        assert done.returncode == 0, done.stdout


def test_it_writes_four_files_and_says_what_comes_next(run: Run, tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "credit-risk"))
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "credit-risk").iterdir()) == WRITTEN
    assert "minibento serve" in result.stdout
    document = json.loads(run("init", str(tmp_path / "b"), "-o", "json").stdout)
    assert document["service"] == "service:B"
    assert sorted(document["files"]) == WRITTEN


def test_what_comes_next_can_be_pasted_into_a_shell(run: Run, tmp_path: Path) -> None:
    line = run("init", str(tmp_path / "my service")).stdout.splitlines()[-1]
    assert line.startswith(f"next: cd '{tmp_path}/my service' && ")
    assert "pip install pytest httpx2 && pytest" in line


def test_what_it_writes_passes_its_own_test_and_is_clean(run: Run, tmp_path: Path) -> None:
    run("init", str(tmp_path / "credit-risk"))
    passes_its_own_test(tmp_path / "credit-risk")
    is_clean(tmp_path / "credit-risk")


def test_what_it_writes_is_served(run: Run, tmp_path: Path) -> None:
    import httpx2

    run("init", str(tmp_path / "credit-risk"))
    paths = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with serve(folder=tmp_path / "credit-risk", environment=paths) as server:
        assert httpx2.post(f"{server.url}/score", json="a good film").json() == 3.0


@pytest.mark.slow
def test_what_it_writes_passes_a_strict_type_checker(run: Run, tmp_path: Path) -> None:
    run("init", str(tmp_path / "credit-risk"))
    cache = ["--cache-dir", str(tmp_path / "cache")]
    done = python(
        tmp_path / "credit-risk", "-m", "mypy", "--strict", *cache, "service.py", "test_service.py"
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", WRITTEN)
def test_it_never_writes_over_a_file(run: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / name).write_text("mine")
    result = run("init", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert name in result.stderr
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]
    assert (tmp_path / "new" / name).read_text() == "mine"


def test_it_writes_beside_other_files(run: Run, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")
    assert run("init", str(tmp_path)).exit_code == 0


def test_a_link_that_leads_nowhere_is_not_written_through(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "service.py").symlink_to(tmp_path / "elsewhere.py")
    assert run("init", str(tmp_path / "new")).exit_code == 1
    assert not (tmp_path / "elsewhere.py").exists()


def test_a_folder_that_is_a_file_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "new").write_text("")
    result = run("init", str(tmp_path / "new"))
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "not expected here" not in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where not even root writes")
def test_a_folder_that_may_not_be_written_is_one_line(run: Run) -> None:
    result = run("init", "/proc/new")
    assert result.exit_code == 1
    assert "cannot write" in result.stderr


def test_an_unknown_model_writes_nothing(run: Run, tmp_path: Path) -> None:
    result = run("init", str(tmp_path / "new"), "--model", "nosuch")
    assert result.exit_code == 1
    assert "nosuch" in result.stderr
    assert not (tmp_path / "new").exists()


def test_a_model_of_dicts_gives_their_keys_as_fields(run: Run, tmp_path: Path) -> None:
    model = make_pipeline(DictVectorizer(), SimpleImputer(), LogisticRegression())
    sklearn.save_model("credit_risk", model.fit(ROWS, [0, 1, 1]), example_input=ROWS)
    run("init", str(tmp_path / "credit_risk"), "--model", "credit_risk")
    source = (tmp_path / "credit_risk" / "service.py").read_text()
    assert '.get("credit_risk:latest")' in source
    assert "    seniority: int\n    home: str\n    income: float | None\n" in source
    passes_its_own_test(tmp_path / "credit_risk")
    is_clean(tmp_path / "credit_risk")


def test_a_model_of_frames_gives_its_columns_as_fields(run: Run, tmp_path: Path) -> None:
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["sepal length (cm)", "copy"]),
            ("texts", OneHotEncoder(), ["class", "kind"]),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(FRAME, [0, 1, 0])
    tag = sklearn.save_model("flowers", model, example_input=FRAME)
    run("init", str(tmp_path / "flowers"), "--model", str(tag))
    source = (tmp_path / "flowers" / "service.py").read_text()
    assert f'.get("{tag}")' in source
    assert '\nCLASSES = ["0", "1"]\n' in source
    assert '{"predict_proba": dict(zip(CLASSES, answer, strict=True))}' in source
    assert '    sepal_length_cm: float | None = Field(alias="sepal length (cm)")\n' in source
    assert '    kind: Literal["x", "y"]\n' in source
    passes_its_own_test(tmp_path / "flowers")
    is_clean(tmp_path / "flowers")


def test_categories_that_are_numbers_are_fields_that_take_them(run: Run, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"pclass": pd.Categorical([3, 1, 3]), "rate": pd.Categorical([0.5, 2.0, 0.5])}
    )
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(frame, [0, 1, 0])
    sklearn.save_model("titanic", model, example_input=frame)
    run("init", str(tmp_path / "titanic"), "--model", "titanic")
    source = (tmp_path / "titanic" / "service.py").read_text()
    assert "    pclass: Literal[1, 3]\n    rate: float\n" in source
    passes_its_own_test(tmp_path / "titanic")
    is_clean(tmp_path / "titanic")


def test_a_classifier_answers_with_the_names_of_its_classes(run: Run, tmp_path: Path) -> None:
    import httpx2

    model = LogisticRegression().fit(NUMBERS, ["rose", "iris", "rose", "iris"])
    sklearn.save_model("flowers", model, example_input=NUMBERS)
    run("init", str(tmp_path / "flowers"), "--model", "flowers")
    with serve(folder=tmp_path / "flowers") as server:
        answer = httpx2.post(f"{server.url}/predict_proba", json=[0, 1, 2]).json()
    assert answer["predict_proba"].keys() == {"iris", "rose"}
    assert sum(answer["predict_proba"].values()) == pytest.approx(1)


def test_a_model_with_several_answers_per_row_is_left_as_it_answers(
    run: Run, tmp_path: Path
) -> None:
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier().fit(NUMBERS, [[0, 1], [1, 0], [0, 1], [1, 0]])
    sklearn.save_model("two", model, signatures={"predict_proba": {"batchable": False}})
    run("init", str(tmp_path / "two"), "--model", "two")
    assert "CLASSES" not in (tmp_path / "two" / "service.py").read_text()


def test_a_model_of_numbers_gives_a_list_of_their_count(run: Run, tmp_path: Path) -> None:
    model = LogisticRegression().fit(NUMBERS, [0, 1, 0, 1])
    sklearn.save_model("numbers", model, example_input=NUMBERS)
    run("init", str(tmp_path / "numbers"), "--model", "numbers")
    source = (tmp_path / "numbers" / "service.py").read_text()
    assert "Annotated[list[float], Field(min_length=3, max_length=3)]" in source
    passes_its_own_test(tmp_path / "numbers")
    is_clean(tmp_path / "numbers")


def test_a_function_without_an_example_is_asked_anything(run: Run, tmp_path: Path) -> None:
    picklable_model.save_model("shout", str.upper)
    run("init", str(tmp_path / "shout"), "--model", "shout")
    source = (tmp_path / "shout" / "service.py").read_text()
    assert "async def predict(self, row: Any)" in source
    assert "await self.model(row)" in source
    passes_its_own_test(tmp_path / "shout")
    is_clean(tmp_path / "shout")


def test_a_model_that_has_no_methods_is_refused_with_the_mend(run: Run, tmp_path: Path) -> None:
    from minibento.models.drafting import create

    with create("files") as draft:
        (draft.path / "weights").write_text("x")
    result = run("init", str(tmp_path / "new"), "--model", "files")
    assert result.exit_code == 1
    assert "minibento.Runner" in result.stderr
    assert not (tmp_path / "new").exists()
