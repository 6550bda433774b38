"""The credit-risk service: what it takes, what it decides, what it refuses."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from minibento import method, models, testing
from tests.processes.serving import running

EXAMPLE = Path(__file__).parents[2] / "examples" / "credit_risk"
APPLICATION: dict[str, Any] = {
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
README = EXAMPLE / "README.md"


def without_figures(printed: str) -> str:
    """The text without what may differ with another version of a library."""
    return re.sub(r"0\.\d+", "0.#", re.sub(r"credit_risk:[a-z2-7]{16}", "credit_risk:#", printed))


class Certain:
    """Stands in for the model: the risk is the share of the price that is borrowed."""

    @method(batchable=True)
    def predict_proba(self, applications: list[dict[str, Any]]) -> list[list[float]]:
        """Two probabilities for each, as the real model answers them."""
        risks = [each["amount"] / each["price"] for each in applications]
        return [[1 - risk, risk] for risk in risks]


@pytest.fixture(scope="module")
def service(trained: str, example: Callable[[str], ModuleType]) -> ModuleType:
    return example("service")


def test_the_courses_request_gets_the_models_own_answer(server: str) -> None:
    own = models.get("credit_risk:production").load().predict_proba([APPLICATION])[0, 1]
    response = httpx2.post(f"{server}/classify", json=APPLICATION)
    assert response.status_code == 200, response.text
    decision = response.json()
    assert decision == {"probability": pytest.approx(own, abs=1e-6), "status": "MAYBE"}


def test_every_real_application_is_accepted_and_decided(
    service: ModuleType, example: Callable[[str], ModuleType]
) -> None:
    rows = example("train").read_applications().rows
    for row in rows:
        service.Application.model_validate(row)
    own = models.get("credit_risk:production").load().predict_proba(rows[:20])[:, 1]
    with testing.client(service.CreditRisk) as http:
        for row, probability in zip(rows[:20], own, strict=True):
            answer = http.post("/classify", json=row).json()
            assert answer["probability"] == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize(
    ("amount", "status"),
    [(250, "APPROVED"), (251, "MAYBE"), (500, "MAYBE"), (501, "DECLINED")],
)
def test_a_risk_over_a_half_is_declined_and_over_a_quarter_wants_a_second_look(
    service: ModuleType, amount: int, status: str
) -> None:
    with testing.client(service.CreditRisk, model=Certain()) as http:
        answer = http.post("/classify", json=APPLICATION | {"amount": amount, "price": 1000})
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seniority", -1),
        ("home", "castle"),
        ("time", 0),
        ("age", 12),
        ("marital", ""),
        ("records", None),
        ("job", 7),
        ("expenses", None),
        ("income", "much"),
        ("assets", -0.01),
        ("debt", 1e300),
        ("amount", 0),
        ("price", True),
        ("iban", "DE00"),
    ],
)
def test_what_no_application_can_hold_is_refused_by_name(
    service: ModuleType, field: str, value: object
) -> None:
    with testing.client(service.CreditRisk, model=Certain()) as http:
        response = http.post("/classify", json=APPLICATION | {field: value})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("field", list(APPLICATION))
def test_every_field_must_be_there(service: ModuleType, field: str) -> None:
    without = {name: value for name, value in APPLICATION.items() if name != field}
    with testing.client(service.CreditRisk, model=Certain()) as http:
        response = http.post("/classify", json=without)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("path", ["/apply", "/apply/", "/apply/index.html"])
def test_the_page_is_found_however_its_address_is_typed(server: str, path: str) -> None:
    response = httpx2.get(server + path, follow_redirects=True)
    assert response.status_code == 200
    assert "<h1>Apply for a loan</h1>" in response.text


def test_the_page_asks_for_exactly_the_fields_of_an_application(service: ModuleType) -> None:
    page = (EXAMPLE / "site" / "index.html").read_text("utf-8")
    controls = re.findall(r'<(?:input|select) id="(\w+)"', page)
    assert sorted(controls) == sorted(service.Application.model_fields)
    assert sorted(re.findall(r'<label for="(\w+)">', page)) == sorted(controls)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    page = (EXAMPLE / "site" / "index.html").read_text("utf-8")
    assert "//" not in re.sub(r"^\s*//.*$", "", page, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["service", "client", "demo", "locustfile"])
def test_everybody_shows_the_same_application(name: str) -> None:
    tree = ast.parse((EXAMPLE / f"{name}.py").read_text("utf-8"))
    shown = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign)
        and isinstance(node.value, ast.Dict)
        and ast.unparse(node.value).startswith("{'seniority'")
    ]
    assert shown == [APPLICATION]


def test_the_client_prints_a_decision_or_a_reason_for_each_as_the_readme_shows(
    server: str, example: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    example("client").main(server, "5")
    assert without_figures(capsys.readouterr().out) in without_figures(README.read_text("utf-8"))


def test_the_client_that_loops_says_each_second_what_was_answered(
    server: str, example: Callable[[str], ModuleType]
) -> None:
    said: list[str] = []
    assert example("client").loop(server, 1.5, said.append) == 0
    *seconds, whole = said
    assert len(seconds) == 2
    for line in seconds:
        assert re.fullmatch(r"\d\d:\d\d:\d\d  \d+ x risk 0\.\d\d; slowest \d+ ms", line)
    found = re.fullmatch(r"(\d+) answered, 0 failed", whole)
    assert found is not None
    assert int(found[1]) > 1


def test_the_client_that_loops_counts_what_got_no_answer(
    example: Callable[[str], ModuleType],
) -> None:
    said: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    failed = example("client").loop(f"http://127.0.0.1:{port}", 0.5, said.append)
    assert failed > 0
    assert "ConnectError" in said[0]
    assert said[-1] == f"0 answered, {failed} failed"


def test_whoever_kills_processes_of_the_model_fails_no_request_of_the_client(trained: str) -> None:
    home = os.environ["MINIBENTO_HOME"]
    with running(EXAMPLE, "service:CreditRisk", MINIBENTO_HOME=home) as server:
        command = [sys.executable, "-u", str(EXAMPLE / "client.py"), server.server.url, "--loop"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            said = [client.stdout.readline()]
            for role in ("runner-worker", "runner-nursery", "runner-worker", "api-nursery"):
                server.until_replaced(role, server.kill(role))
            said.append(client.stdout.readline())
            client.send_signal(signal.SIGINT)
            said += client.stdout.readlines()
    assert client.returncode == 0, said
    assert said[-1].endswith(" answered, 0 failed\n")


def test_the_readme_shows_what_training_prints(trained: str) -> None:
    *lines, _ = trained.splitlines()
    assert len(lines) == 4
    assert without_figures("\n".join(lines)) in without_figures(README.read_text("utf-8"))
