"""mosec with one worker that batches up to 128 rows and waits at most 5 ms for more.

The model is the pickle named by $BENCH_PICKLE; mosec's HTTP side is a Rust process of its own.
"""

import os
import pickle
from pathlib import Path
from typing import Any

from mosec import Server, Worker

from benchmarks.decision import status_of


class Credit(Worker):
    """The model in mosec's worker process."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # mosec leaves it untyped
        self.model = pickle.loads(Path(os.environ["BENCH_PICKLE"]).read_bytes())

    def forward(self, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer a batch of rows."""
        column = self.model.predict_proba(data)[:, 1].tolist()
        return [{"probability": p, "status": status_of(p)} for p in column]


if __name__ == "__main__":
    server = Server()  # type: ignore[no-untyped-call]  # this too
    server.append_worker(Credit, max_batch_size=128, max_wait_time=5, route="/classify")
    server.run()  # type: ignore[no-untyped-call]  # and this
