"""The process that owns the sockets, the children and the signals; loads no user code."""
