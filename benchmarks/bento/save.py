"""Saves the pickled model in the file argv[1] into BentoML's store, for `service.py` beside it."""

import pickle
import sys
from pathlib import Path

import bentoml

bentoml.picklable_model.save_model("credit_risk", pickle.loads(Path(sys.argv[1]).read_bytes()))
