"""The program that makes an exported bundle run, as it is put into one."""

from pathlib import Path

__all__ = ["bootstrap_source"]


def bootstrap_source() -> bytes:
    """What a bundle's `__main__.py` holds."""
    return Path(__file__).with_name("bundle_main.py").read_bytes()
