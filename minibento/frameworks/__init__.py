"""One adapter per model library: how its objects are written to a directory and read back."""
