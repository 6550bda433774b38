"""Started by tests under strace: save fifty files as one version of `credit`.

Leaves with 0 if it is saved, 3 if the files could not be written, 4 and the message if the store
refused; anything else is a bug.
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
            except OSError:
                return 3
            draft.publish({"content": content})
    except MinibentoError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
