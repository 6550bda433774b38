"""Asks the running service about one application after the other and prints what it decides.

python client.py [URL] [COUNT]
"""

import itertools
import sys
from typing import Any

import httpx2

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
VARIATIONS: list[dict[str, Any]] = [
    {},
    {"seniority": 15, "job": "fixed", "income": 180},
    {"records": "yes", "job": "partime", "assets": 0},
    {"income": None, "assets": None, "debt": None},
    {"amount": -1},
]


def ask(http: httpx2.Client, application: dict[str, Any]) -> str:
    """One line: the decision, or which field was refused and why."""
    response = http.post("/classify", json=application)
    answer = response.json()
    if response.status_code == 200:
        return f"{answer['status']:<8}  risk {answer['probability']:.2f}"
    reasons = [f"{error['field']}: {error['expected']}" for error in answer.get("errors", [])]
    return f"refused ({response.status_code}): {', '.join(reasons) or answer['detail']}"


def main(url: str = "http://127.0.0.1:3000", count: str = "5") -> None:
    """Send `count` applications, going round the variations."""
    with httpx2.Client(base_url=url, timeout=10) as http:
        for change in itertools.islice(itertools.cycle(VARIATIONS), int(count)):
            print(f"{ask(http, APPLICATION | change):<20}  {change or 'as it stands'}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except httpx2.ConnectError as error:
        sys.exit(f"nobody answers there ({error}): start `minibento serve` first")
