"""What is counted, what is excused, what is not."""

import math

from minibento.testing.chaos.load import Outcome, Verdict
from minibento.testing.chaos.schedule import Action
from minibento.testing.chaos.scoreboard import Scoreboard
from minibento.testing.chaos.shown import lines
from minibento.testing.chaos.siege import Done, Record
from minibento.testing.chaos.target import Process

RUNNER, API = Action("kill", "runner-worker"), Action("kill", "api-worker")


def process(name: str, pid: int) -> Process:
    return Process(pid, name.split(maxsplit=1)[0], name, "ready", 3 * 2**20, 10)


def record(*outcomes: Outcome, events: tuple[Done, ...] = ()) -> Record:
    there = [process("api-worker 0", 1), process("runner-worker model 0", 2)]
    return Record(0.0, list(events), list(outcomes), there, list(there))


def outcome(due: float, done: float, verdict: Verdict, status: int = 0) -> Outcome:
    return Outcome(due, verdict, done, status)


def test_a_request_counts_in_the_window_in_which_it_ended() -> None:
    board = Scoreboard.of(
        record(
            outcome(0.0, 0.1, Verdict.ANSWERED, 200),
            outcome(0.9, 1.5, Verdict.ANSWERED, 200),
            outcome(1.8, 2.4, Verdict.REFUSED, 503),
            outcome(1.9, 2.5, Verdict.FAILED, 500),
            events=(Done(RUNNER, 1.0, "x", 0.2), Done(API, 2.0, "y", 0.3)),
        )
    )
    none, runner, api = (board.tallies[key] for key in ("none", str(RUNNER), str(API)))
    assert (none.times, none.lost, runner.times, runner.lost) == (0, 0, 1, 0)
    assert math.isclose(runner.longest_seconds, 0.6)
    assert (api.lost, api.excused, api.refused, api.whole_seconds) == (1, 0, 1, 0.3)
    assert board.statuses == {200: 2, 503: 1, 500: 1}
    assert board.faults == ["1 requests were lost"]


def test_only_a_connection_to_an_api_worker_that_was_ended_excuses_a_loss() -> None:
    lost = outcome(1.0, 1.2, Verdict.RESET)
    for event, excused in [
        (Done(API, 1.1, "y", 0.3), True),
        (Done(RUNNER, 1.1, "x", 0.3), False),
        (Done(API, 0.2, "y", 0.3), False),  # another one had its place by then
        (Done(API, 1.3, "y", 0.3), False),  # it was lost before
        (Done(API, 1.1), False),  # there was none to be ended
    ]:
        board = Scoreboard.of(record(lost, events=(Done(RUNNER, 0.0, "x", 0.1), event)))
        assert (board.faults == []) is excused, event
    for verdict in (Verdict.LATE, Verdict.WRONG, Verdict.UNREACHABLE):
        kept = outcome(1.0, 1.2, verdict)
        board = Scoreboard.of(record(kept, events=(Done(API, 1.1, "y", 0.3),)))
        assert board.faults == ["1 requests were lost"]


def test_who_is_refused_or_leaves_is_not_lost() -> None:
    ended = outcome(0, 1, Verdict.REFUSED, 503), outcome(0, 1, Verdict.LEFT)
    board = Scoreboard.of(record(*ended, events=(Done(RUNNER, 0.5, "x", 0.2),)))
    assert board.faults == []


def test_a_siege_in_which_nothing_was_done_has_shown_nothing() -> None:
    answered = outcome(0.9, 1.5, Verdict.ANSWERED, 200)
    for events in [(), (Done(RUNNER, 1.0), Done(API, 2.0))]:
        board = Scoreboard.of(record(answered, events=events))
        assert board.faults == ["nothing was done to it"]
        assert sum(one.times for one in board.tallies.values()) == 0
    events = Done(RUNNER, 1.0), Done(Action("flood"), 2.0)
    assert Scoreboard.of(record(answered, events=events)).faults == []


def test_a_server_that_is_not_whole_at_the_end_is_a_fault() -> None:
    found = record(events=(Done(RUNNER, 1.0, "x", math.inf),))
    found.after = [process("api-worker 0", 3)]
    board = Scoreboard.of(found)
    assert board.faults == [
        "the server was not whole again",
        "at the end there is no runner-worker model 0",
    ]
    assert board.document()["events"]["kill runner-worker"]["whole_seconds"] is None
    text = "\n".join(lines(board))
    assert "never" in text
    assert text.count("-> ?") == 2


def test_it_is_shown_to_people() -> None:
    board = Scoreboard.of(
        record(outcome(0.9, 1.5, Verdict.ANSWERED, 200), events=(Done(RUNNER, 1.0, "x", 0.2),))
    )
    assert list(lines(board)) == [
        "EVENT                TIMES   LOST   EXCUSED   REFUSED   WHOLE AGAIN   LONGEST ANSWER",
        "kill runner-worker   1       0      0         0         200 ms        600 ms",
        "",
        "requests: 1 answered",
        "statuses: 1 x 200",
        "",
        "PROCESS                 DESCRIPTORS           MEMORY",
        "api-worker 0            10            -> 10   3.0 MiB   -> 3.0 MiB",
        "runner-worker model 0   10            -> 10   3.0 MiB   -> 3.0 MiB",
        "",
        "nothing was lost that must not be",
    ]
