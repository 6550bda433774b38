"""The edge to the world: how bytes of a body become values and values bytes of an answer."""
