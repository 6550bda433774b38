"""Started by tests under strace: save fifty files as one version of `credit`.

Leaves with 0 if it is saved, with 1 and one line if the files cannot be written or the store
refuses; anything else is a bug.
"""

import sys
from pathlib import Path

from minibento.errors import MinibentoError
from minibento.store.store import Store


def main() -> int:
    root, content = sys.argv[1:]
    try:
        with Store(Path(root)).draft("credit") as draft:
            try:
                for number in range(50):
                    (draft.path / f"file{number:02}").write_text(f"{content} {number}")
            except OSError as error:
                sys.stderr.write(f"Error: {draft.path}: {error}\n")
                return 1
            draft.publish({"content": content})
    except MinibentoError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
