"""The 13 fields and the answer as pydantic types, for the servers that validate."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

__all__ = ["Application", "Decision"]

Money = Annotated[float, Field(ge=0)]


class Application(BaseModel):
    """One application for credit."""

    seniority: Annotated[int, Field(ge=0, le=80)]
    home: Literal["rent", "owner", "private", "parents", "ignore", "other"]
    time: Annotated[int, Field(gt=0, le=120)]
    age: Annotated[int, Field(ge=18, le=100)]
    marital: Literal["single", "married", "widow", "separated", "divorced"]
    records: Literal["no", "yes"]
    job: Literal["fixed", "partime", "freelance", "others"]
    expenses: Money
    income: Money
    assets: Money
    debt: Money
    amount: Money
    price: Money


class Decision(BaseModel):
    """The bank's answer."""

    probability: float
    status: Literal["APPROVED", "MAYBE", "DECLINED"]
