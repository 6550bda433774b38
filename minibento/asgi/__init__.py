"""A declared service as an ASGI app: everything that can be chosen is chosen at start."""
