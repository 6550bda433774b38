"""Tables and facts as printed."""

import pytest

from minibento.cli.output import print_facts, print_table


def test_columns_are_aligned_and_lines_have_no_trailing_blanks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("A", "LONG"), [["xyz", "1"], ["x", ""]])
    assert capsys.readouterr().out == "A     LONG\nxyz   1\nx\n"


def test_a_table_without_rows_is_its_header(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A", "B"), [])
    assert capsys.readouterr().out == "A   B\n"


def test_stored_text_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("A",), [["\x1b[31mred\nnext"]])
    assert capsys.readouterr().out == "A\n\\x1b[31mred\\nnext\n"


def test_facts_of_several_lines_stand_below_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"tag": "a:b", "labels": ["x = 1", "y = 2"]})
    assert capsys.readouterr().out == "tag     a:b\nlabels  x = 1\n        y = 2\n"
