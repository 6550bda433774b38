"""Sizes, ages and short versions."""

from datetime import UTC, datetime, timedelta

import pytest

from minibento.cli.quantities import age, duration, short_version, size

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_200_000, "1.2 MB"),
        (999_950, "1.0 MB"),
        (3_400_000_000, "3.4 GB"),
        (5_600_000_000_000, "5.6 TB"),
    ],
)
def test_a_size_has_one_decimal_and_the_unit_that_fits(count: int, text: str) -> None:
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (180, "3 minutes ago"),
        (7200, "2 hours ago"),
        (86400, "1 day ago"),
        (86400 * 45, "1 month ago"),
        (86400 * 800, "2 years ago"),
        (-30, "just now"),
    ],
)
def test_an_age_is_in_the_largest_unit_that_fits(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


def test_a_content_version_is_shown_by_its_first_eight_characters() -> None:
    assert short_version("abcdefgh22222222", []) == "abcdefgh"


def test_a_content_version_grows_until_no_other_begins_with_it() -> None:
    others = ["abcdefgh22222222", "abcdefgh2233aaaa"]
    assert short_version("abcdefgh22222222", others) == "abcdefgh222"


def test_a_version_that_the_user_chose_is_shown_whole() -> None:
    assert short_version("2026-01-release-candidate", []) == "2026-01-release-candidate"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0.9, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3725, "1 h 2 min"),
        (86400 * 3 + 3600 * 4 + 59, "3 d 4 h"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text
