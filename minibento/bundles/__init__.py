"""Bundles as anybody reads them: what lies where, what is said of it; knows no building."""
