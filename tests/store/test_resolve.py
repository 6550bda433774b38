"""What stands behind the colon."""

import pytest

from minibento.errors import NotFound
from minibento.store.resolve import resolve, unknown_name

VERSIONS = ["abcdzzzz", "abcdyyyy", "v1", "abce2222"]
ALIASES = {"production": "v1", "abcd": "abce2222", "gone": "deleted"}


def find(wanted: str | None) -> str:
    return resolve("credit", wanted, VERSIONS, ALIASES, "models")


def test_an_exact_version_comes_first() -> None:
    assert find("v1") == "v1"


def test_an_alias_comes_before_a_prefix() -> None:
    assert find("production") == "v1"
    assert find("abcd") == "abce2222"


def test_latest_and_nothing_mean_the_version_last_saved() -> None:
    assert find("latest") == find(None) == "abcdzzzz"


def test_a_unique_prefix_of_four_is_enough() -> None:
    assert find("abce") == "abce2222"
    assert find("abcdy") == "abcdyyyy"


def test_a_prefix_of_three_is_not() -> None:
    with pytest.raises(NotFound, match="at least 4 characters"):
        find("abc")


def test_an_ambiguous_prefix_lists_the_candidates() -> None:
    versions = ["abcd1", "abcd2", "other"]
    with pytest.raises(NotFound, match="more than one version begins like this: abcd1, abcd2"):
        resolve("credit", "abcd", versions, {}, "models")


def test_an_alias_whose_version_is_gone_says_so_and_how_to_set_it() -> None:
    with pytest.raises(NotFound, match=r"'deleted', which is gone: .*alias credit:VERSION gone"):
        find("gone")


def test_a_near_miss_is_suggested() -> None:
    with pytest.raises(NotFound, match=r"did you mean production\?.*minibento models list credit"):
        find("prodution")


def test_a_name_without_versions_has_no_latest() -> None:
    with pytest.raises(NotFound, match="has no versions"):
        resolve("credit", None, [], {}, "models")


def test_an_unknown_name_suggests_near_ones_and_the_command() -> None:
    text = str(unknown_name("credit_risc", ["credit_risk", "churn"], "bundles"))
    assert "did you mean credit_risk?" in text
    assert "minibento bundles list" in text
    assert "churn" not in text
