"""Bytes with the descriptors that came along, on a bare socket; knows not what they are for."""

import socket
from array import array

__all__ = ["receive_with"]


def receive_with(
    channel: socket.socket, most_bytes: int, most_descriptors: int
) -> tuple[bytes, list[int], bool]:
    """What has come: the bytes, the descriptors, and whether there were more than found room.

    Raises:
        OSError: as `recvmsg` does.
    """
    # Not socket.recv_fds, which drops its flags argument before Python 3.12: without this one, a
    # program that user code starts would inherit the descriptors.
    # Room for exactly so many: the next larger space would take one more.
    room = socket.CMSG_LEN(most_descriptors * array("i").itemsize)
    data, passed, flags, _ = channel.recvmsg(most_bytes, room, socket.MSG_CMSG_CLOEXEC)
    found = array("i")
    for level, kind, content in passed:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return data, list(found), bool(flags & socket.MSG_CTRUNC)
