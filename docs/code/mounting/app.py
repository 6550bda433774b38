from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from service import Iris


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    await Iris.start()
    try:
        yield
    finally:
        await Iris.stop()


app = FastAPI(lifespan=lifespan)
app.mount("/iris", Iris)
