"""Testing tools for people who write services; needs `pip install 'minibento[testing]'`."""

from minibento.testing.clients import client
from minibento.testing.placeholders import models
from minibento.testing.servers import Server, serve

__all__ = ["Server", "client", "models", "serve"]
