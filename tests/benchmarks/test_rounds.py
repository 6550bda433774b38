from benchmarks.failures import MeasurementFailed
from benchmarks.rounds import interleave


def test_cases_take_turns_in_every_round() -> None:
    order: list[str] = []

    def measure(case: str) -> int:
        order.append(case)
        return len(order)

    measured = interleave(["a", "b", "c"], 2, measure)
    assert order == ["a", "b", "c", "a", "b", "c"]
    assert measured.figures == {"a": [1, 4], "b": [2, 5], "c": [3, 6]}


def test_a_case_that_fails_is_left_out_with_its_reason_and_the_others_go_on() -> None:
    tried: list[str] = []

    def measure(case: str) -> float:
        tried.append(case)
        if case == "bad" and tried.count("bad") == 2:
            raise MeasurementFailed("503")
        return 1.0

    measured = interleave(["bad", "good"], 3, measure)
    assert measured.failures == {"bad": "503"}
    assert measured.figures == {"good": [1.0, 1.0, 1.0]}
    assert tried.count("bad") == 2
