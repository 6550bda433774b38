"""Bodies: bytes from and to the world, one file per kind of payload."""
