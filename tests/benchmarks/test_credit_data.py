from benchmarks import credit_data


def test_the_rows_are_complete_applications_of_13_fields() -> None:
    rows, defaulted = credit_data.load()
    assert len(rows) == len(defaulted) == 4039
    assert {len(row) for row in rows} == {13}
    assert sum(defaulted) / len(rows) < 0.5
    assert {row["home"] for row in rows} >= {"owner", "private"}
    assert all(value == value for row in rows for value in row.values())  # noqa: PLR0124 -- no NaN
