"""What another process hands over is only mapped if it is what we would have made."""

import fcntl
import os
from collections.abc import Iterator
from mmap import PAGESIZE
from pathlib import Path

import pytest

from minibento.errors import ProtocolError
from minibento.wire.shared_memory import create, mapped


@pytest.fixture
def made() -> Iterator[int]:
    descriptor = create("test", PAGESIZE)
    yield descriptor
    os.close(descriptor)


def test_two_mappings_see_the_same(made: int) -> None:
    one, two = mapped(made, 1, PAGESIZE), mapped(made, 1, PAGESIZE)
    one[:4] = b"here"
    assert two[:4] == b"here"
    one.close()
    two.close()


@pytest.mark.parametrize("size", [0, 2 * PAGESIZE])
def test_it_can_neither_be_shrunk_nor_grown(made: int, size: int) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(made, size)


def test_its_seals_are_final(made: int) -> None:
    with pytest.raises(PermissionError):
        fcntl.fcntl(made, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)


def test_memory_of_another_size_is_refused(made: int) -> None:
    with pytest.raises(ProtocolError, match="bytes came: 1 to 10 are taken"):
        mapped(made, 1, 10)
    with pytest.raises(ProtocolError, match="bytes came: 500,000 to 600,000 are taken"):
        mapped(made, 500_000, 600_000)


def test_memory_that_could_be_shrunk_is_refused() -> None:
    descriptor = os.memfd_create("test", os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(descriptor, PAGESIZE)
        with pytest.raises(ProtocolError, match="seals 0x0"):
            mapped(descriptor, 1, PAGESIZE)
    finally:
        os.close(descriptor)


def test_memory_that_cannot_be_written_is_refused(made: int) -> None:
    reading = os.open(f"/proc/self/fd/{made}", os.O_RDONLY)
    try:
        with pytest.raises(ProtocolError, match="cannot be mapped"):
            mapped(reading, 1, PAGESIZE)
    finally:
        os.close(reading)


def test_a_file_and_a_pipe_are_refused(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    file = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR)
    try:
        for descriptor in (reading, file):
            with pytest.raises(ProtocolError, match=r"no shared memory|seals"):
                mapped(descriptor, 1, PAGESIZE)
    finally:
        for descriptor in (reading, writing, file):
            os.close(descriptor)
