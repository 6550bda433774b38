"""A declared service compiled to an ASGI app."""
