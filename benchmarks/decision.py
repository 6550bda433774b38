"""From a probability to the bank's answer; knows neither model nor server."""

from collections.abc import Mapping
from typing import Any

__all__ = ["placeholder_probability", "status_of"]


def status_of(probability: float) -> str:
    """The bank's answer to a probability of default."""
    if probability > 0.5:
        return "DECLINED"
    return "MAYBE" if probability > 0.25 else "APPROVED"


def placeholder_probability(application: Mapping[str, Any]) -> float:
    """What servers without a model answer: it depends on the body, so a wrong answer is seen."""
    return float(application["time"] / (application["time"] + application["age"]))
