"""What a text stands for, by the kind of its key."""

import pytest

from minibento.config import kinds
from minibento.config.kinds import Kind


def refuses(kind: Kind, text: str) -> bool:
    try:
        kind.read(text)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("65536", 65536),
        ("64KiB", 65536),
        ("64 kib", 65536),
        ("1.5 MiB", 3 << 19),
        ("2MB", 2_000_000),
        ("1GiB", 1 << 30),
        ("10b", 10),
        (" 1MiB ", 1 << 20),
    ],
)
def test_a_size_is_plain_or_has_a_unit(text: str, count: int) -> None:
    assert kinds.size().read(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "64XiB", "MiB", "1e3", "1 2", "0.4", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    assert refuses(kinds.size(), text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.whole(0, 65535), "65535", 65535),
        (kinds.whole(1), "4096", 4096),
        (kinds.number("seconds"), "0.25", 0.25),
        (kinds.number("seconds", or_zero=True), "0", 0.0),
        (kinds.flag(), "Yes", True),
        (kinds.flag(), "false", False),
        (kinds.flag(), "0", False),
        (kinds.choice("text", "json"), "JSON", "json"),
        (kinds.text(), " as it is ", " as it is "),
        (kinds.text(may_be_empty=True), "", ""),
        (kinds.name(), "credit-risk.eu_1", "credit-risk.eu_1"),
        (kinds.url_prefix(), "/credit/v1", "/credit/v1"),
        (kinds.url_prefix(), "", ""),
        (kinds.addresses(), "127.0.0.1, 10.0.0.0/8,::1", "127.0.0.1,10.0.0.0/8,::1"),
        (kinds.addresses(), "*", "*"),
        (kinds.addresses(), "", ""),
    ],
)
def test_a_text_is_read_as_its_kind(kind: Kind, text: str, value: object) -> None:
    read = kind.read(text)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.whole(0, 65535), "65536"),
        (kinds.whole(0, 65535), "-1"),
        (kinds.whole(1), "1.0"),
        (kinds.whole(1), "9" * 5000),
        (kinds.number("seconds"), "0"),
        (kinds.number("seconds"), "inf"),
        (kinds.number("seconds"), "nan"),
        (kinds.number("seconds", or_zero=True), "-1"),
        (kinds.number("seconds"), "5s"),
        (kinds.flag(), "maybe"),
        (kinds.flag(), "2"),
        (kinds.choice("text", "json"), "xml"),
        (kinds.text(), ""),
        (kinds.name(), "-rf"),
        (kinds.name(), "a/b"),
        (kinds.name(), "a\n"),
        (kinds.url_prefix(), "/credit/"),
        (kinds.url_prefix(), "credit"),
        (kinds.url_prefix(), "/a?b"),
        (kinds.addresses(), "localhost"),
        (kinds.addresses(), "10.0.0.300"),
    ],
)
def test_what_is_not_of_the_kind_is_refused(kind: Kind, text: str) -> None:
    assert refuses(kind, text)
