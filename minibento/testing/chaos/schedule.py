"""What is done to a server and when: the same for the same seed; knows no server and no clock."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Action", "Event", "schedule"]

Verb = Literal["kill", "stop", "flood", "disconnect"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that can be done.

    Attributes:
        verb: What.
        role: To which processes; `""` where it is done to none.
    """

    verb: Verb
    role: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.role}".strip()


@dataclass(frozen=True, slots=True)
class Event:
    """An action at its time.

    Attributes:
        at: Seconds from the start.
        draw: From 0 to below 1: which of several processes it hits.
    """

    at: float
    action: Action
    draw: float


def schedule(actions: Sequence[Action], seconds: float, every: float, seed: int) -> list[Event]:
    """One action every so often, each as often as every other, in an order that the seed decides.

    The last one leaves as much time after it as there is between two.
    """
    chance = random.Random(seed)  # noqa: S311 - to be the same again is what it is for
    events: list[Event] = []
    left: list[Action] = []
    for number in range(1, int(seconds / every)):
        if not left:
            left = list(actions)
            chance.shuffle(left)
        events.append(Event(number * every, left.pop(), chance.random()))
    return events
