"""Getting the port, or saying why not."""

import errno
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from minibento.errors import CannotListen
from minibento.processes.sockets import Port, refusal


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_port_0_is_a_free_one_that_the_url_names() -> None:
    with closing(Port("127.0.0.1", 0, 1)) as port:
        number = port.sockets[0].getsockname()[1]
        assert number > 0
        assert port.url == f"http://127.0.0.1:{number}"


def test_each_worker_has_a_socket_of_its_own_on_the_same_port() -> None:
    with closing(Port("127.0.0.1", 0, 3)) as port:
        assert len({one.getsockname() for one in port.sockets}) == 1
        assert len({one.fileno() for one in port.sockets}) == 3


def test_what_it_accepts_sends_without_delay() -> None:
    with closing(Port("127.0.0.1", 0, 1)) as port:
        assert port.sockets[0].proto == socket.IPPROTO_TCP


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("localhost", True), ("0.0.0.0", False)]
)
def test_only_loopback_is_local(host: str, local: bool) -> None:
    with closing(Port(host, 0, 1)) as port:
        assert port.is_local is local


def test_a_port_in_use_is_named_with_the_mend(taken: int) -> None:
    with pytest.raises(CannotListen, match=f"port {taken} on 127.0.0.1 is in use") as said:
        Port("127.0.0.1", taken, 1)
    assert "--port" in str(said.value)


@pytest.mark.parametrize("listens", [True, False])
def test_a_port_of_another_server_of_ours_is_in_use_before_it_listens_too(listens: bool) -> None:
    with closing(Port("127.0.0.1", 0, 2)) as port:
        if listens:
            port.sockets[0].listen()
        with pytest.raises(CannotListen, match="is in use"):
            Port("127.0.0.1", port.sockets[0].getsockname()[1], 2)


def test_a_port_that_was_just_left_can_be_had_again() -> None:
    with closing(Port("127.0.0.1", 0, 1)) as port:
        address = port.sockets[0].getsockname()
        port.sockets[0].listen()
        # The side that closes first keeps the connection's remains for a minute.
        with socket.create_connection(address):
            accepted, _ = port.sockets[0].accept()
            accepted.close()
    Port("127.0.0.1", address[1], 1).close()


@pytest.mark.parametrize("host", ["exa mple", "a" * 300, "256.1.1.1", "\x00"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(CannotListen, match="is not known here"):
        Port(host, 0, 1)


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(CannotListen, match=r"has no address 192\.0\.2\.1"):
        Port("192.0.2.1", 0, 1)


def test_a_privileged_port_names_those_that_are_not() -> None:
    said = refusal(PermissionError(errno.EACCES, "Permission denied"), "127.0.0.1", 80)
    assert "port 80" in str(said)
    assert "1024" in str(said)


def test_an_ipv6_url_has_brackets() -> None:
    with closing(Port("::1", 0, 1)) as port:
        assert port.url.startswith("http://[::1]:")


def test_of_two_that_take_a_port_at_once_one_is_refused() -> None:
    with closing(Port("127.0.0.1", 0, 1)) as free:
        number = free.sockets[0].getsockname()[1]
    for _ in range(20):
        with ThreadPoolExecutor(2) as threads:
            taking = [threads.submit(Port, "127.0.0.1", number, 2) for _ in range(2)]
        errors = [one.exception() for one in taking]
        assert len([error for error in errors if isinstance(error, CannotListen)]) == 1
        for one, error in zip(taking, errors, strict=True):
            if error is None:
                one.result().close()
