"""Spares the garbage collector what a started server holds for good; knows no service."""

import gc

__all__ = ["keep_what_is_loaded"]


def keep_what_is_loaded() -> None:
    """Take all that is alive now out of later collections.

    Models and libraries are hundreds of thousands of objects that stay. Walking them stopped the
    process for 60 ms every few seconds: the light model's p99 at 32 connections was 62 ms and is
    5 ms without, with a tenth more answers. For the process that serves, once it is ready; not for
    a service that a test starts and stops, whose cycles could then never be freed.
    """
    gc.collect()
    gc.freeze()
