"""Asks the running service about one application after the other and prints what it decides.

python client.py [URL] [COUNT]
python client.py [URL] --loop    # until Ctrl-C: a line per second, and how many failed
"""

import argparse
import itertools
import math
import sys
import time
from collections import Counter
from collections.abc import Callable
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


def loop(url: str, seconds: float = math.inf, say: Callable[[str], object] = print) -> int:
    """Ask about the same application for so long, one time after the other.

    Each second says what was answered in it: one answer tells which model is in production.

    Returns:
        How many requests got no answer.
    """
    end = time.monotonic() + seconds
    answered = failed = 0
    with httpx2.Client(base_url=url, timeout=10) as http:
        try:
            while time.monotonic() < end:
                seen, slowest = _one_second(http)
                good = sum(count for what, count in seen.items() if what.startswith("risk "))
                answered, failed = answered + good, failed + sum(seen.values()) - good
                shown = ", ".join(f"{count} x {what}" for what, count in seen.most_common())
                say(f"{time.strftime('%H:%M:%S')}  {shown}; slowest {slowest * 1000:.0f} ms")
        except KeyboardInterrupt:
            pass
    say(f"{answered} answered, {failed} failed")
    return failed


def _one_second(http: httpx2.Client) -> tuple[Counter[str], float]:
    """What came back within a second, and the longest that one took."""
    seen: Counter[str] = Counter()
    slowest = 0.0
    end = time.monotonic() + 1
    while (begun := time.monotonic()) < end:
        try:
            response = http.post("/classify", json=APPLICATION)
            response.raise_for_status()
            seen[f"risk {response.json()['probability']:.2f}"] += 1
        except httpx2.HTTPError as error:
            seen[f"{type(error).__name__}: {error}"] += 1
        slowest = max(slowest, time.monotonic() - begun)
        time.sleep(0.005)
    return seen, slowest


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Ask the running credit-risk service.")
    arguments.add_argument("url", nargs="?", default="http://127.0.0.1:3000")
    arguments.add_argument("count", nargs="?", default="5")
    arguments.add_argument("--loop", action="store_true", help="ask until Ctrl-C")
    given = arguments.parse_args()
    if given.loop:
        sys.exit(1 if loop(given.url) else 0)
    try:
        main(given.url, given.count)
    except httpx2.ConnectError as error:
        sys.exit(f"nobody answers there ({error}): start `minibento serve` first")
