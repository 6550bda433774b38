"""Spares the garbage collector what a started server holds for good; knows no service."""

import gc

__all__ = ["keep_what_is_loaded"]

_PYTHONS_OWN = (700, 10, 10)  # up to 3.13; later ones collect in another way and are left alone
# A hundred requests that wait for their answers are some thousand objects that will go by
# themselves: at every 700 the collector walks them in vain, for a tenth of an API worker's time.
_UNDER_LOAD = (5_000, 20, 20)


def keep_what_is_loaded() -> None:
    """Take all that is alive now out of later collections.

    Models and libraries are hundreds of thousands of objects that stay. Walking them stopped the
    process for 60 ms every few seconds: the light model's p99 at 32 connections was 62 ms and is
    5 ms without, with a tenth more answers. For the process that serves, once it is ready; not for
    a service that a test starts and stops, whose cycles could then never be freed.

    From then on it looks for cycles more rarely, unless the service has said itself how often.
    """
    gc.collect()
    gc.freeze()
    if gc.get_threshold() == _PYTHONS_OWN:
        gc.set_threshold(*_UNDER_LOAD)
