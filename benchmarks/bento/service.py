"""The credit-risk service as one writes it for BentoML: the same fields, model and decision."""

from typing import Literal

import bentoml
from pydantic import BaseModel, Field


class Application(BaseModel):
    seniority: int = Field(ge=0, le=60)
    home: Literal["owner", "rent", "parents", "private", "ignore", "other"] | None
    time: int = Field(ge=1, le=120)
    age: int = Field(ge=18, le=100)
    marital: Literal["single", "married", "separated", "divorced", "widow"] | None
    records: Literal["no", "yes"]
    job: Literal["fixed", "partime", "freelance", "others"] | None
    expenses: float
    income: float | None
    assets: float | None
    debt: float | None
    amount: float
    price: float


@bentoml.service
class CreditRisk:
    stored = bentoml.models.BentoModel("credit_risk:latest")

    def __init__(self) -> None:
        self.model = bentoml.picklable_model.load_model(self.stored)

    @bentoml.api
    def classify(self, application: Application) -> dict[str, float | str]:
        risk = float(self.model.predict_proba([application.model_dump()])[0, 1])
        status = "DECLINED" if risk > 0.5 else "MAYBE" if risk > 0.25 else "APPROVED"
        return {"probability": risk, "status": status}
