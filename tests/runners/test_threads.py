"""The libraries' own threads, as an operator limits them."""

import subprocess
import sys

SCRIPT = """
import numpy, sklearn.ensemble, threading
from threadpoolctl import threadpool_info
from minibento.runners.threads import use_threads

numbers = {}

def compute():
    use_threads(3)
    numbers.update({pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()})

thread = threading.Thread(target=compute)
thread.start()
thread.join()
assert set(numbers) >= {"openblas", "openmp"}, numbers
assert set(numbers.values()) == {3}, numbers
"""


def test_they_are_raised_in_the_thread_that_computes() -> None:
    subprocess.run(
        [sys.executable, "-c", SCRIPT],
        check=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(sys.path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


def test_nothing_is_done_where_nothing_is_to_limit() -> None:
    script = (
        "import sys; sys.modules['threadpoolctl'] = None\n"
        "from minibento.runners.threads import use_threads; use_threads(2)"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
