"""minibento with the model asked twice in one request: both answers must be of one version."""

import os

import minibento
from benchmarks.servers.application import Application


@minibento.service
class Pairs:
    model = minibento.models.get(os.environ["BENCH_TAG"]).to_runner()

    @minibento.api
    async def classify(self, application: Application) -> dict[str, float]:
        _, first = await self.model.predict_proba(application)
        _, second = await self.model.predict_proba(application)
        return {"first": first, "second": second}
