from prometheus_client import Counter

import minibento

WORDS = Counter("words", "Words that were counted.")


class Words:
    @minibento.method(batchable=True, example=["a good film"])
    def count(self, texts: list[str]) -> list[int]:
        counts = [len(text.split()) for text in texts]
        WORDS.inc(sum(counts))
        return counts


@minibento.service
class Counting:
    model = minibento.Runner(Words, workers=2)

    @minibento.api
    async def count(self, text: str) -> int:
        return await self.model.count(text)
