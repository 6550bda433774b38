"""What one writes by hand: a bare Starlette route that calls the model once per request.

The model is the pickle named by $BENCH_PICKLE. The route is async, so calls come one after the
other: for these models a thread pool is slower, as its threads take turns holding the interpreter.
"""

import os
import pickle
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from benchmarks.decision import status_of

model = pickle.loads(Path(os.environ["BENCH_PICKLE"]).read_bytes())


async def classify(request: Request) -> JSONResponse:
    row = await request.json()
    probability = float(model.predict_proba([row])[0, 1])
    return JSONResponse({"probability": probability, "status": status_of(probability)})


app = Starlette(routes=[Route("/classify", classify, methods=["POST"])])
