"""How a request ends before or without its method's result; knows no routes."""

from starlette.exceptions import HTTPException

__all__ = ["Gone", "Stop"]


class Gone(Exception):
    """The client has closed its connection: nobody waits for the answer."""


# Starlette's own type says it all: status, detail, headers. Under this name it is ours.
Stop = HTTPException
