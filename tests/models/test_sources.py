"""A stored model in another process: named by its exact tag, loaded, forked, and then computed."""

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.pipeline import make_pipeline

import minibento.picklable_model
import minibento.sklearn
import minibento.xgboost
from minibento import models
from minibento.errors import DeclarationError, NotFound, UsageError
from minibento.models.sources import source_from
from minibento.tag import Tag

X = np.random.default_rng(0).normal(size=(200, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)
SECONDS = 5

# A nursery and its worker in short: load in the main thread, fork, compute in a thread of the
# child's and on its loop, with more threads than the parent had.
SCRIPT = """
import asyncio, json, os, sys
from minibento.metrics import Metrics
from minibento.models.sources import source_from
from minibento.runners.options import Options
from minibento.runners.worker import Worker

source = source_from(json.loads(sys.argv[1]))
runnable = source.load()
assert len(os.listdir("/proc/self/task")) == 1, os.listdir("/proc/self/task")

async def serve():
    options = Options(threads=2)
    worker = Worker("model", source, options, Metrics(), runnable=runnable, own_loop=True)
    await worker.start()
    if source.any_thread:  # on the loop's thread too, where short batches compute
        for name, example in source.examples().items():
            getattr(runnable, name)(example)
    await worker.stop(1)

for _ in range(2):
    if (child := os.fork()) == 0:
        asyncio.run(serve())
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
"""
ONE_THREAD = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "RAYON")}


def booster() -> Tag:
    made = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, label=Y), 5)
    return minibento.xgboost.save_model("m", made, example_input=X[:3])


def classifier() -> Tag:
    made = xgboost.XGBClassifier(n_estimators=5).fit(X, Y)
    return minibento.xgboost.save_model("m", made, example_input=X[:3])


def forest() -> Tag:
    made = RandomForestClassifier(10, n_jobs=-1).fit(X, Y)
    signatures = {"predict_proba": {"batchable": True}}
    return minibento.sklearn.save_model("m", made, signatures=signatures, example_input=X[:3])


def pipeline() -> Tag:
    rows = [{"a": float(row[0]), "b": "x"} for row in X]
    made = make_pipeline(DictVectorizer(sparse=False), HistGradientBoostingClassifier(max_iter=5))
    signatures = {"predict_proba": {"batchable": True}}
    fitted = made.fit(rows, Y)
    return minibento.sklearn.save_model("m", fitted, signatures=signatures, example_input=rows[:3])


def function() -> Tag:
    return minibento.picklable_model.save_model("m", np.linalg.norm, example_input=X[:3])


@pytest.mark.parametrize("saved", [booster, classifier, forest, pipeline, function])
def test_a_model_loaded_with_one_thread_computes_in_forked_processes_with_more(saved: Any) -> None:
    spec = models.get(saved()).to_runner().source.spec()
    subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(spec)],
        check=True,
        timeout=SECONDS * 4,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_the_spec_is_the_exact_tag_and_gives_the_same_source() -> None:
    tag = function()
    source = models.get("m:latest").to_runner().source
    assert source.spec() == {"model": str(tag)}
    other = source_from(source.spec())
    assert (other.name, other.version) == (source.name, source.version)
    assert other.methods.keys() == source.methods.keys()


def test_threads_are_set_on_what_was_loaded() -> None:
    for saved, read in (
        (booster, lambda one: one.booster.save_config()),
        (classifier, lambda one: one.get_booster().save_config()),
    ):
        source = source_from({"model": str(saved())})
        runnable = source.load()
        source.use_threads(runnable, 1)
        assert '"nthread":"1"' in read(runnable)  # type: ignore[no-untyped-call]


def test_what_is_not_there_says_so() -> None:
    with pytest.raises(NotFound):
        source_from({"model": "m:aaaabbbbccccdddd"})
    with pytest.raises(UsageError, match="names a model or a class"):
        source_from({"clas": "x"})


def test_a_placeholder_has_nothing_to_load_elsewhere() -> None:
    with models.resolving({"m:v1": None}):
        source = models.get("m:v1").to_runner().source
    with pytest.raises(NotFound):
        source_from(source.spec())


def test_a_class_goes_by_name() -> None:
    from tests.runners.killing import Mortal

    spec = minibento.Runner(Mortal, init={"factor": 5}).source.spec()
    assert source_from(spec).load().factor == 5
    with pytest.raises(DeclarationError, match="tuple"):
        minibento.Runner(Mortal, init={"factor": (1,)}).source.spec()
