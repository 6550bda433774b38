"""FastAPI: validates the 13 fields and the answer; no model."""

from typing import Any

from fastapi import FastAPI

from benchmarks.decision import placeholder_probability, status_of
from benchmarks.servers.application import Application, Decision

app = FastAPI()


@app.post("/classify")
async def classify(application: Application) -> Decision:
    probability = placeholder_probability(application.__dict__)
    status: Any = status_of(probability)
    return Decision(probability=probability, status=status)
