"""minibento with a model that only sleeps: 5 ms for a batch and 5 ms for each of up to 8 items."""

import time

import minibento


class Sleeper:
    @minibento.method(batchable=True, example=[0])
    def echo(self, numbers: list[int]) -> list[int]:
        time.sleep(0.005 + 0.005 * len(numbers))
        return numbers


@minibento.service
class Sleeping:
    model = minibento.Runner(Sleeper, max_batch_size=8, max_wait_ms=200)

    @minibento.api
    async def echo(self, number: int) -> dict[str, int]:
        return {"number": await self.model.echo(number)}
