"""Runs an exported bundle: python3 NAME.bundle install --home DIR

Uses the standard library only, in words that older Pythons can read too, and hands over to the
minibento that is in the bundle, which checks all the rest. What is read before that is read with a
limit; whoever made the file could have written this program otherwise, though, so whether to trust
them is to be decided before it runs.
"""

import hashlib
import json
import re
import sys
import tempfile
import zipfile
import zlib
from pathlib import Path

NEEDED = (3, 11)
LARGEST = 32 << 20  # bytes of our own wheel
LONGEST = 8 << 20  # of the manifest, and a line for each file
WHEEL = re.compile(r"wheels/(minibento-[A-Za-z0-9.+!_]+-py3-none-any\.whl)\Z")
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError),
    *(ValueError, LookupError, TypeError, AttributeError),
)


def main(archive: Path) -> int:
    """Check the minibento inside, and let it do the rest; the exit code."""
    try:
        name, wheel = own_wheel(archive)
    except DAMAGE as error:
        print(f"Error: {archive} is damaged: {error!r}: get a whole copy of it", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="minibento-") as folder:
        path = Path(folder) / name
        path.write_bytes(wheel)
        sys.path.insert(0, str(path))
        from minibento.packager.install import main as install

        return install(archive, sys.argv[1:])


def own_wheel(archive: Path) -> "tuple[str, bytes]":
    """Name and bytes of the minibento inside, which are what the manifest says."""
    with zipfile.ZipFile(archive) as bundle:
        names = bundle.namelist()
        if len(set(names)) != len(names):
            raise ValueError("it names a file twice")
        files = json.loads(read(bundle, "manifest.json", LONGEST + 1200 * len(names)))["files"]
        (path,) = [one for one in files if WHEEL.match(one)]
        wheel = read(bundle, path, LARGEST)
    if files[path] != [len(wheel), hashlib.sha256(wheel).hexdigest()]:
        raise ValueError(f"{path} is not what its manifest says")
    return path.partition("/")[2], wheel


def read(bundle: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """A file of limited size, whatever the archive says of it."""
    with bundle.open(name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} has more than {limit} bytes")
    return data


if __name__ == "__main__":
    if sys.version_info < NEEDED:
        print(f"Error: this bundle needs Python {NEEDED[0]}.{NEEDED[1]} or newer", file=sys.stderr)
        sys.exit(1)
    sys.exit(main(Path(sys.argv[0]).resolve()))
