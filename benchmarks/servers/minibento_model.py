"""minibento with the model whose tag is $BENCH_TAG in $MINIBENTO_HOME."""

import os
from typing import Any

import minibento
from benchmarks.decision import status_of
from benchmarks.servers.application import Application, Decision


@minibento.service
class Credit:
    model = minibento.models.get(os.environ["BENCH_TAG"]).to_runner()

    @minibento.api
    async def classify(self, application: Application) -> Decision:
        _, probability = await self.model.predict_proba(application)
        status: Any = status_of(probability)
        return Decision(probability=probability, status=status)
