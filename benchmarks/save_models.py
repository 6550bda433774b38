"""Put the pickled models into $MINIBENTO_HOME, in a process of its own as a user's script would.

`python -m benchmarks.save_models PICKLE...`; the model's name is the file's.
"""

import json
import pickle
import sys
from pathlib import Path

import minibento.sklearn


def main(paths: list[str]) -> None:
    """Save each pickle under its name and print its tag; `rows.json` beside it is the example."""
    for path in map(Path, paths):
        example = json.loads((path.parent / "rows.json").read_bytes())
        model = pickle.loads(path.read_bytes())
        print(minibento.sklearn.save_model(path.stem, model, example_input=example))


if __name__ == "__main__":
    main(sys.argv[1:])
