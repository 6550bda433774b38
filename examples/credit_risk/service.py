"""Credit risk as a service: 13 checked fields in, a decision out; knows no algorithm."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.staticfiles import StaticFiles

import minibento

Status = Literal["APPROVED", "MAYBE", "DECLINED"]
# The largest loan in the data is 5,000, the dearest purchase 11,140, the greatest wealth 300,000.
Sum = Annotated[float, Field(ge=0, le=1_000_000)]


class Application(BaseModel):
    """A loan application. `null` means not known; every field must be there."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seniority: int = Field(ge=0, le=60, description="years in the present job")
    home: Literal["owner", "rent", "parents", "private", "ignore", "other"] | None
    time: int = Field(ge=1, le=120, description="months to pay back")
    age: int = Field(ge=18, le=100, description="years")
    marital: Literal["single", "married", "separated", "divorced", "widow"] | None
    records: Literal["no", "yes"] = Field(description="earlier loans not paid back")
    job: Literal["fixed", "partime", "freelance", "others"] | None
    expenses: Sum = Field(description="per month")
    income: Sum | None = Field(description="per month")
    assets: Sum | None
    debt: Sum | None
    amount: Sum = Field(gt=0, description="the loan")
    price: Sum = Field(gt=0, description="what the loan is for costs this")


class Decision(BaseModel):
    """The probability that the loan goes bad, and what the bank does about it."""

    probability: float = Field(ge=0, le=1)
    status: Status

    @classmethod
    def of(cls, probability: float) -> "Decision":
        """The bank's rule: over a half is too much, over a quarter wants a second look."""
        status: Status = "APPROVED"
        if probability > 0.5:
            status = "DECLINED"
        elif probability > 0.25:
            status = "MAYBE"
        return cls(probability=probability, status=status)


EXAMPLE = {
    "seniority": 3,
    "home": "owner",
    "time": 36,
    "age": 26,
    "marital": "single",
    "records": "no",
    "job": "freelance",
    "expenses": 35,
    "income": 0.0,
    "assets": 60000.0,
    "debt": 3000.0,
    "amount": 800,
    "price": 1000,
}
PAGE = StaticFiles(directory=Path(__file__).parent / "site", html=True)


@minibento.service(timeout=5.0, mounts={"/apply": PAGE})
class CreditRisk:
    """Decides loan applications with the model that `credit_risk:production` points at."""

    model = minibento.models.get("credit_risk:production").to_runner(max_latency_ms=50)

    @minibento.api(example=EXAMPLE)
    async def classify(self, application: Application) -> Decision:
        """Decide one application."""
        _, probability = await self.model.predict_proba(application)
        return Decision.of(probability)
