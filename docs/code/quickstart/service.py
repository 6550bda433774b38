from pydantic import BaseModel

import minibento


class Flower(BaseModel):
    sepal_length: float
    sepal_width: float
    petal_length: float
    petal_width: float


@minibento.service
class Iris:
    model = minibento.models.get("iris:latest").to_runner()

    @minibento.api
    async def classify(self, flower: Flower) -> dict:
        return {"species": await self.model.predict(flower)}
