from benchmarks.report import Goal, Report, markdown, table


def test_a_table_is_aligned_with_numbers_to_the_right() -> None:
    assert table(["server", "n"], [["a", "1,000"], ["longer", "7"]]) == (
        "| server |     n |\n| ------ | ----: |\n| a      | 1,000 |\n| longer |     7 |"
    )


def test_a_goal_says_its_bound_and_whether_it_was_reached() -> None:
    assert str(Goal("x / y", 1.234, at_least=1.2)) == "x / y: **1.23** (at least 1.2: reached)"
    assert str(Goal("x", 70.0, at_most=60, unit=" ms")) == "x: **70.00 ms** (at most 60 ms: missed)"


def test_a_goal_that_could_not_be_measured_is_not_reached() -> None:
    goal = Goal("x / y", None, at_least=1.2)
    assert not goal.reached
    assert str(goal) == "x / y: not measured (at least 1.2)"


def test_a_report_names_what_could_not_be_measured_and_why() -> None:
    report = Report("T", "how", ["a", "b"], [["x", "1"]], [], {"mosec": "not\n  installed"})
    assert markdown(report).endswith("| x   |   1 |\n\n- not measured: mosec: not installed\n")
