"""Runs an exported bundle: python3 NAME.bundle install --home DIR

Uses the standard library only, in words that older Pythons can read too, and hands over to the
minibento that is in the bundle.
"""

import hashlib
import json
import sys
import tempfile
import zipfile
from pathlib import Path

NEEDED = (3, 11)


def main(archive: Path) -> int:
    """Check the minibento inside, and let it do the rest; the exit code."""
    with zipfile.ZipFile(archive) as bundle:
        files = json.loads(bundle.read("manifest.json"))["files"]
        (name,) = [one for one in files if one.startswith("wheels/minibento-")]
        wheel = bundle.read(name)
    if hashlib.sha256(wheel).hexdigest() != files[name][1]:
        print(f"Error: {archive} is damaged: get a whole copy of it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="minibento-") as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(wheel)
        sys.path.insert(0, str(path))
        from minibento.packager.install import main as install

        return install(archive, sys.argv[1:])


if __name__ == "__main__":
    if sys.version_info < NEEDED:
        print(f"Error: this bundle needs Python {NEEDED[0]}.{NEEDED[1]} or newer", file=sys.stderr)
        sys.exit(1)
    sys.exit(main(Path(sys.argv[0]).resolve()))
