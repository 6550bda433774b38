"""Versioned, immutable, verified directories on a disk; knows neither models nor bundles."""
