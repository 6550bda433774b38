"""How many threads the libraries of this process compute with; knows no model."""

import sys

__all__ = ["use_threads"]


def use_threads(count: int) -> None:
    """Let the libraries that are loaded compute with this many threads, called from here.

    OpenMP counts for each thread that calls it, so this is called in the thread that computes.
    """
    try:
        # Comes with scikit-learn; what has no BLAS and no OpenMP has no use for it.
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        pass
    else:
        threadpool_limits(limits=count)
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(count)
