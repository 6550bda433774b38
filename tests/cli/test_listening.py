"""Getting the port, or saying why not."""

import errno
import socket
from collections.abc import Iterator

import click
import pytest

from minibento.cli.listening import bound, is_local, refusal, url


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_port_0_is_a_free_one_that_the_url_names() -> None:
    with bound("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        assert port > 0
        assert url(listening) == f"http://127.0.0.1:{port}"


def test_what_it_accepts_sends_without_delay() -> None:
    with bound("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_only_loopback_is_local(host: str, local: bool) -> None:
    with bound(host, 0) as listening:
        assert is_local(listening) is (host != "0.0.0.0")


def test_a_port_in_use_is_named_with_the_mend(taken: int) -> None:
    with pytest.raises(click.ClickException, match=f"port {taken} on 127.0.0.1 is in use") as said:
        bound("127.0.0.1", taken)
    assert "--port" in said.value.message
    assert said.value.exit_code == 1


@pytest.mark.parametrize("host", ["exa mple", "a" * 300, "256.1.1.1", "\x00"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(click.ClickException, match="is not known here"):
        bound(host, 0)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(click.ClickException, match=r"has no address 192\.0\.2\.1"):
        bound("192.0.2.1", 0)


def test_a_privileged_port_names_those_that_are_not() -> None:
    said = refusal(PermissionError(errno.EACCES, "Permission denied"), "127.0.0.1", 80)
    assert "port 80" in said.message
    assert "1024" in said.message


def test_an_ipv6_url_has_brackets() -> None:
    with bound("::1", 0) as listening:
        assert url(listening).startswith("http://[::1]:")
