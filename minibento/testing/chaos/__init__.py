"""Faults made on purpose against a server of one's own, and what came of them."""
