"""The whole way in one run: train, save, serve, ask, compare, stop; leaves nothing behind.

    python demo.py

It keeps its models in a store of its own, serves on a free port, and leaves with 1 if an answer is
not the one that the model itself gives.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2

import minibento

HERE = Path(__file__).parent

ORDINARY: dict[str, Any] = {
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
APPLICATIONS: dict[str, dict[str, Any]] = {
    "a freelance without income": ORDINARY,
    "fifteen years employed": ORDINARY | {"seniority": 15, "job": "fixed", "income": 180.0},
    "has defaulted before": ORDINARY | {"records": "yes", "job": "partime", "assets": 0.0},
    "says little about money": ORDINARY | {"income": None, "assets": None, "debt": None},
}
REFUSED = ORDINARY | {"age": 12}


class DemoError(Exception):
    """The demo saw something that must not be."""


def expect(true: bool, otherwise: str) -> None:
    """Fail the demo with the sentence unless the first argument is true."""
    if not true:
        raise DemoError(otherwise)


def show_decisions(http: httpx2.Client) -> None:
    """Ask about every application and hold each answer against the model's own."""
    model = minibento.models.get("credit_risk:production")
    own = model.load().predict_proba(list(APPLICATIONS.values()))[:, 1]
    statuses = set()
    for (who, application), probability in zip(APPLICATIONS.items(), own, strict=True):
        response = http.post("/classify", json=application)
        expect(response.status_code == 200, f"{who}: {response.status_code} {response.text}")
        decision = response.json()
        print(f"  {who:<28} {decision['status']:<8}  risk {decision['probability']:.2f}")
        expect(abs(decision["probability"] - probability) < 1e-6, f"the model says {probability}")
        statuses.add(decision["status"])
    expect({"APPROVED", "DECLINED"} <= statuses, f"all are decided alike: {statuses}")


def show_refusal(http: httpx2.Client) -> None:
    """Ask something that no bank decides, and see the field named."""
    response = http.post("/classify", json=REFUSED)
    expect(response.status_code == 422, f"a child got {response.status_code} {response.text}")
    (error,) = response.json()["errors"]
    expect(error["field"] == "age", f"the field refused is {error}")
    print(f"  {'twelve years old':<28} refused   {error['field']}: {error['expected']}")


def run(home: Path) -> None:
    """The demo, with its store in `home`."""
    os.environ["MINIBENTO_HOME"] = str(home)
    print("$ python train.py", flush=True)
    subprocess.run([sys.executable, "train.py"], check=True)
    print("\n$ minibento serve", flush=True)
    with (
        minibento.testing.serve("service:CreditRisk") as server,
        httpx2.Client(base_url=server.url, timeout=10) as http,
    ):
        print(f"  ready on {server.url}")
        show_decisions(http)
        show_refusal(http)
        page = http.get("/apply", follow_redirects=True)
        expect("Apply for a loan" in page.text, f"/apply answers {page.status_code}")
        print(f"  {'the page for customers':<28} {server.url}/apply")
    print("stopped")


def main() -> int:
    """Run in this folder with a store that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="minibento-demo-") as home, contextlib.chdir(HERE):
        try:
            run(Path(home))
        except (DemoError, subprocess.CalledProcessError, minibento.MinibentoError) as error:
            print(f"the demo failed: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
