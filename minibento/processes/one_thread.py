"""The variables that keep the numeric libraries of a process at one thread.

A process that forks must have one thread only: a child forked after an OpenMP region began in its
parent hangs at its first prediction (XGBoost, LightGBM, PyTorch: 5 of 5). So a nursery starts with
these at 1, and its workers raise the numbers before their first call (`runners.threads`).
"""

import os
from collections.abc import Mapping

__all__ = ["ONE_THREAD", "give_back"]

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "RAYON_NUM_THREADS",
    ),
    "1",
)


def give_back(before: Mapping[str, str]) -> None:
    """Restore the variables to what they were before they were set to 1, for the user's code."""
    for name in ONE_THREAD:
        if name in before:
            os.environ[name] = before[name]
        else:
            os.environ.pop(name, None)
