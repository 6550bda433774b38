"""The whole way in one run: train, save, build, serve, ask, update, go back, stop.

    python demo.py

It works on a copy of this folder with a store of its own, both gone afterwards, serves on a free
port, and leaves with 1 if an answer is not the one that the model itself gives, or if a request
fails while the model is changed.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
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


def own_answers() -> list[float]:
    """What the model in production says of each application, asked without a server."""
    model = minibento.models.get("credit_risk:production").load()
    return [float(risk) for risk in model.predict_proba(list(APPLICATIONS.values()))[:, 1]]


def show_decisions(url: str, own: list[float]) -> None:
    """Ask about every application and hold each answer against the model's own.

    On new connections: just after a reload, one that was open may bring one more old answer.
    """
    statuses = set()
    for (who, application), probability in zip(APPLICATIONS.items(), own, strict=True):
        response = httpx2.post(f"{url}/classify", json=application, timeout=10)
        expect(response.status_code == 200, f"{who}: {response.status_code} {response.text}")
        decision = response.json()
        print(f"  {who:<28} {decision['status']:<8}  risk {decision['probability']:.2f}")
        expect(same(decision["probability"], probability), f"the model says {probability}")
        statuses.add(decision["status"])
    expect({"APPROVED", "DECLINED"} <= statuses, f"all are decided alike: {statuses}")


def same(one: float, other: float) -> bool:
    """Whether two probabilities are the same answer of the same model."""
    return abs(one - other) < 1e-6


def show_refusal(url: str) -> None:
    """Ask something that no bank decides, and see the field named."""
    response = httpx2.post(f"{url}/classify", json=REFUSED, timeout=10)
    expect(response.status_code == 422, f"a child got {response.status_code} {response.text}")
    (error,) = response.json()["errors"]
    expect(error["field"] == "age", f"the field refused is {error}")
    print(f"  {'twelve years old':<28} refused   {error['field']}: {error['expected']}")


def command(*arguments: str) -> None:
    """A command as one types it."""
    print("\n$ minibento", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "minibento.cli", *arguments], check=True)


def train(*options: str) -> None:
    """Train all models; the best becomes production, unless options say otherwise."""
    print("\n$ python train.py", *options, flush=True)
    subprocess.run([sys.executable, "train.py", *options], check=True)


def build() -> None:
    """Make a bundle of the service and its model; it goes live at the next start or reload."""
    command("build")
    command("bundles", "alias", "credit_risk:latest", "production")


class Customers:
    """Ask about one application all the time, each on a connection of their own."""

    def __init__(self, url: str) -> None:
        self.answers: Counter[float] = Counter()
        self.failures: list[str] = []
        self._url = url
        self._enough = threading.Event()

    @contextlib.contextmanager
    def asking(self, how_many: int = 4) -> Iterator[None]:
        """Until the end of the block."""
        threads = [threading.Thread(target=self._ask) for _ in range(how_many)]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self._enough.set()
            for one in threads:
                one.join()

    def _ask(self) -> None:
        with httpx2.Client(base_url=self._url, timeout=10) as http:
            while not self._enough.wait(0.02):
                try:
                    response = http.post("/classify", json=ORDINARY)
                    response.raise_for_status()
                    self.answers[response.json()["probability"]] += 1
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))


def show_update_and_way_back(url: str, old: list[float]) -> None:
    """Another version takes over and gives way again, and nobody who asks meanwhile notices."""
    customers = Customers(url)
    with customers.asking():
        train("--regularise", "100")
        command("models", "alias", "credit_risk:latest", "production")
        build()
        command("reload", "credit_risk")
        new = own_answers()
        expect(not any(map(same, old, new)), "the new version answers like the old one")
        show_decisions(url, new)
        command("bundles", "alias", "credit_risk", "production", "--rollback")
        command("reload", "credit_risk")
        show_decisions(url, old)
    expect(not customers.failures, f"requests failed: {customers.failures[:3]}")
    by_old, by_new = (
        sum(count for risk, count in customers.answers.items() if same(risk, one))
        for one in (old[0], new[0])
    )
    whole = customers.answers.total()
    expect(by_old + by_new == whole, f"answers of neither version: {customers.answers}")
    expect(by_old > 0 and by_new > 0, "nobody asked meanwhile")
    print(
        f"\n{whole} requests meanwhile: {by_old} answered by the old version, "
        f"{by_new} by the new one, {len(customers.failures)} failed"
    )


def run(home: Path) -> None:
    """The demo, in a copy of this folder, with its store and its server's directory in `home`."""
    os.environ["MINIBENTO_HOME"] = str(home / "store")
    os.environ["MINIBENTO_RUN_DIR"] = str(home / "run")
    shutil.copytree(HERE, home / "credit_risk")
    with contextlib.chdir(home / "credit_risk"):
        train()
        build()
        print("\n$ minibento serve credit_risk:production", flush=True)
        with minibento.testing.serve("credit_risk:production") as server:
            url, own = server.url, own_answers()
            print(f"  ready on {url}")
            show_decisions(url, own)
            show_refusal(url)
            page = httpx2.get(f"{url}/apply", follow_redirects=True, timeout=10)
            expect("Apply for a loan" in page.text, f"/apply answers {page.status_code}")
            print(f"  {'the page for customers':<28} {url}/apply")
            show_update_and_way_back(url, own)
        print("stopped")


def main() -> int:
    """Run in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="minibento-demo-") as home:
        try:
            run(Path(home))
        except (DemoError, subprocess.CalledProcessError, minibento.MinibentoError) as error:
            print(f"the demo failed: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
