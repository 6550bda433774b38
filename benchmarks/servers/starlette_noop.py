"""A bare Starlette route: parses the 13 fields without validating them; no model."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.decision import placeholder_probability, status_of


async def classify(request: Request) -> JSONResponse:
    probability = placeholder_probability(await request.json())
    return JSONResponse({"probability": probability, "status": status_of(probability)})


app = Starlette(routes=[Route("/classify", classify, methods=["POST"])])
