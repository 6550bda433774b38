"""Between processes: what crosses, in what form, over which channel."""
