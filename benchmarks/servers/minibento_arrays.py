"""minibento: an array in, its sum out, computed by a runner."""

from typing import Annotated, Any

import numpy as np

import minibento


class Summing:
    """Adds up."""

    @minibento.method
    def total(self, values: np.ndarray) -> float:
        """Of all values."""
        return float(values.sum())


@minibento.service
class Arrays:
    model: Any = minibento.Runner(Summing)

    @minibento.api
    async def classify(self, values: Annotated[np.ndarray, np.float32]) -> dict[str, float]:
        return {"total": await self.model.total(values)}
