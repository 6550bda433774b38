"""Names, versions and tags (case S12)."""

import unicodedata

import pytest

from minibento.errors import InvalidTag
from minibento.tag import LATEST, Tag, check_name, check_version

WHITESPACE = [" ", "\t", "\n", "\r", "\x0b", "\x0c", "\xa0", "\u2003"]
BAD_NAMES = [
    "../x",
    "a/../../b",
    "/etc/passwd",
    "..",
    ".",
    " ..",
    "a\x00b",
    "a\nb",
    "a\n",
    "%2e%2e",
    "$(id)",
    ";rm",
    "-rf",
    "CON",
    "a" * 64,
    "a" * 256,
    unicodedata.normalize("NFC", "é"),
    unicodedata.normalize("NFD", "é"),
    "٣",
    "a\\b",
    "",
    *WHITESPACE,
    *(f"a{space}" for space in WHITESPACE),
]


@pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
def test_a_name_or_version_that_is_not_one_is_refused_with_the_rule(name: str) -> None:
    for check in (check_name, check_version):
        with pytest.raises(InvalidTag, match="use 1 to 63 of a-z 0-9"):
            check(name)


@pytest.mark.parametrize("text", [*BAD_NAMES, "a:b:c", ":", "a:", ":b", "a: b"], ids=ascii)
def test_a_tag_that_is_not_one_is_refused(text: str) -> None:
    with pytest.raises(InvalidTag):
        Tag.parse(text)


@pytest.mark.parametrize("version", BAD_NAMES, ids=ascii)
def test_a_bad_version_is_refused_however_the_tag_is_made(version: str) -> None:
    with pytest.raises(InvalidTag):
        Tag.parse(f"a:{version}")
    with pytest.raises(InvalidTag):
        Tag("a", version)


@pytest.mark.parametrize("other", [None, 3, b"a", ["a"]])
def test_what_is_no_string_is_no_tag(other: object) -> None:
    with pytest.raises(InvalidTag, match="a tag is a string"):
        Tag.parse(other)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("name", ["a", "0", "credit_risk", "a.b-c_d", "con", "a" * 63, "a..b"])
def test_a_good_name_passes_unchanged(name: str) -> None:
    assert check_name(name) == name


def test_a_tag_reads_and_prints_the_same_text() -> None:
    for text in ("credit_risk", "credit_risk:latest", "a:0.1.2"):
        assert str(Tag.parse(text)) == text
        assert Tag.parse(Tag.parse(text)) == Tag.parse(text)
    assert Tag.parse("a") == Tag("a", None)
    assert Tag.parse(f"a:{LATEST}").version == "latest"


def test_the_message_suggests_a_name_that_would_do() -> None:
    with pytest.raises(InvalidTag, match="for example 'credit-risk'"):
        check_name("Credit Risk")


def test_a_long_bad_name_is_shown_shortened() -> None:
    with pytest.raises(InvalidTag) as caught:
        check_name("A" * 10_000)
    assert len(str(caught.value)) < 300
