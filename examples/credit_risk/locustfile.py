"""Load for the credit-risk service, one application after the other from every simulated customer.

pip install locust
locust --headless --host http://127.0.0.1:3000 --users 100 --spawn-rate 20 --run-time 30s
"""

from typing import ClassVar

from locust import HttpUser, between, task

APPLICATION = {
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


class Customer(HttpUser):
    """Applies, thinks it over for up to two seconds, applies again."""

    wait_time: ClassVar = between(0.01, 2)

    @task
    def classify(self) -> None:
        """One application."""
        self.client.post("/classify", json=APPLICATION)
