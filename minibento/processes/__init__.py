"""The processes of a server: each file wires one of them, or is one mechanism that they need."""
