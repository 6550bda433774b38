"""The service's own test: the real service and real batching, a model made up for the test."""

from service import Iris

import minibento


class OnlyRoses:
    """Stands in for the model."""

    @minibento.method(batchable=True)
    def predict(self, flowers: list[dict[str, float]]) -> list[str]:
        """A rose is a rose."""
        return ["rose" for _ in flowers]


def test_a_flower_gets_its_species() -> None:
    with minibento.testing.client(Iris, model=OnlyRoses()) as http:
        flower = {"sepal_length": 5, "sepal_width": 3, "petal_length": 1, "petal_width": 0.2}
        assert http.post("/classify", json=flower).json() == {"species": "rose"}
