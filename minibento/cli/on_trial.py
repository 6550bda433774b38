"""The program that a bundle is tried with: `minibento serve`, of which nothing is left.

    python -P -m minibento.cli.on_trial PARENT ARGUMENT...

PARENT is the process that tries it: it is stopped when that ends.
"""

import sys

from minibento.cli.main import main
from minibento.packager.guard import guarded

__all__: list[str] = []

# As long as a server takes that nobody asks anything, and some more.
_STOP_SECONDS = 10.0

if __name__ == "__main__":
    _parent = int(sys.argv.pop(1))
    guarded(lambda: main(sys.argv[1:]), _parent, _STOP_SECONDS)
