"""The course's service, as docs/from-bentoml.md shows it, against the Booster itself."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from minibento import models, testing

CODE = Path(__file__).parents[2] / "docs" / "code" / "from_bentoml"
APPLICATION = {
    "seniority": 3,
    "home": "owner",
    "time": 36,
    "age": 26,
    "marital": "single",
    "records": "no",
    "job": "freelance",
    "expenses": 35,
    "income": 0.0,
    "assets": 60000.0,
    "debt": 3000.0,
    "amount": 800,
    "price": 1000,
}
APPLICATIONS = [
    APPLICATION,
    APPLICATION | {"seniority": 15, "job": "fixed", "income": 180.0},
    APPLICATION | {"records": "yes", "job": "partime", "assets": 0.0},
]


def shown_on_the_page() -> tuple[object, object]:
    """The body that the page sends with curl, and the answer below it."""
    page = (CODE.parents[1] / "from-bentoml.md").read_text("utf-8")
    found = re.search(r"-d '(.+?)'\n.+?```json\n(.+?)\n", page, re.DOTALL)
    assert found is not None
    return json.loads(found[1]), json.loads(found[2])


def test_the_courses_service_gives_the_boosters_own_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import xgboost

    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path))
    subprocess.run([sys.executable, "train.py"], cwd=CODE, check=True, timeout=60)
    reference = models.get("credit_risk_model:latest")
    dv, booster = reference.custom_objects["dictVectorizer"], reference.load()
    rows = xgboost.DMatrix(
        dv.transform(APPLICATIONS), feature_names=list(dv.get_feature_names_out())
    )
    own = booster.predict(rows)

    spec = importlib.util.spec_from_file_location("course_service", CODE / "service.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "course_service", module)
    spec.loader.exec_module(module)
    with testing.client(module.CreditRiskClassifier) as http:
        answers = [http.post("/classify", json=each).json() for each in APPLICATIONS]

    def status(risk: float) -> str:
        return "DECLINED" if risk > 0.5 else "MAYBE" if risk > 0.25 else "APPROVED"

    assert answers == [{"status": status(risk)} for risk in own]
    asked, answered = shown_on_the_page()
    assert asked == APPLICATIONS[1]
    assert answered == answers[1]
    assert len({answer["status"] for answer in answers}) > 1
    printed = [float(line) for line in capsys.readouterr().out.split()]
    assert printed == pytest.approx([float(risk) for risk in own], abs=1e-6)
