"""Lets nobody new connect to a listening socket while it lives on; knows no server.

Closing one resets who has connected and was not accepted yet, also between the last look and the
close. With the door shut first, the queue behind it can be emptied.
"""

import ctypes
import socket
import struct
import sys

__all__ = ["admit_nobody_new", "waiting"]

_SO_ATTACH_FILTER = 26  # asm-generic/socket.h
# Classic BPF over the TCP header: code, jump if true, jump if false, operand.
_PROGRAM = (
    (0x30, 0, 0, 13),  # A = the byte of flags
    (0x45, 0, 1, 0x02),  # has it SYN?
    (0x06, 0, 0, 0),  # then drop it: its sender tries again in a second
    (0x06, 0, 0, 0xFFFFFFFF),  # else take it: a handshake that has begun is finished
)


def admit_nobody_new(listening: socket.socket) -> None:
    """Let nobody begin to connect; where the system cannot do that nothing is done."""
    if sys.platform != "linux" or listening.fileno() < 0:
        return
    program = b"".join(struct.pack("HBBI", *step) for step in _PROGRAM)
    kept = ctypes.create_string_buffer(program)
    option = struct.pack("HP", len(_PROGRAM), ctypes.addressof(kept))
    try:
        listening.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, option)
    except OSError:
        return  # a sandbox's kernel: who connects in the last millisecond is reset


def waiting(listening: socket.socket) -> int:
    """Connections that the system has made and nobody has accepted yet."""
    if not hasattr(socket, "TCP_INFO") or listening.fileno() < 0:
        return 0
    info = listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    # Of a listening socket `tcpi_unacked` counts them.
    found: int = struct.unpack_from("I", info, 24)[0]
    return found
