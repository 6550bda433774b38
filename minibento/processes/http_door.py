"""What all connections of an HTTP server share; knows none of them."""

import asyncio
import logging
from typing import Any

from minibento.config.settings import Limits
from minibento.processes.http_refusals import Refusals

__all__ = ["Door"]


class Door:
    """What all connections of a server share.

    Attributes:
        limits: Of each connection.
        refusals: Who answers where no service does.
        app: Who answers.
        behind_proxy: Who answers a request that came by a proxy.
        retiring: Each answer is the last of its connection.
        left: Set when the last connection has gone of a server that retires.
        log: Where apps that fail are told of.
    """

    __slots__ = ("app", "behind_proxy", "left", "limits", "log", "refusals", "retiring")

    def __init__(
        self,
        limits: Limits,
        refusals: Refusals,
        app: Any,
        behind_proxy: Any,
    ) -> None:
        self.limits = limits
        self.refusals = refusals
        self.app = app
        self.behind_proxy = behind_proxy
        self.retiring = False
        self.left = asyncio.Event()
        # Not the logger of that name: this one falls silent when its server cuts requests off.
        self.log = logging.Logger("minibento.http", logging.WARNING)
        self.log.parent = logging.getLogger("minibento")
