"""Judges batching policies on a fake clock against an oracle: `python -m benchmarks.simulator`."""
