"""Started by tests: many processes, none of them root, use one store at once; answers in JSON.

python stampede.py ROOT TASK PROCESSES ROUND WITHOUT

WITHOUT names what the store lacks, or is empty: what the tests look for is there to be found then.
"""

import codecs
import json
import os
import pwd
import random
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import minibento.store.archive  # noqa: F401 - now, while it may be read, as below
from minibento.errors import AlreadyExists, InUse, NotFound, StoreError
from minibento.store import draft, shelf
from minibento.store.manifest import Manifest
from minibento.store.store import Entry, Store


def save(store: Store, content: str, version: str | None = None, name: str = "credit") -> Entry:
    with store.draft(name) as draft:
        for part in range(3):
            (draft.path / f"part{part}").write_text(f"{content} {part}" * 100)
        return draft.publish({"content": content}, version)


def distinct(store: Store, number: int, round_: int) -> str:
    return str(save(store, f"{round_}.{number}").tag)


def conflicting(store: Store, number: int, round_: int) -> str:
    return str(save(store, f"{round_}.{number}", f"v{round_}").tag)


def same(store: Store, number: int, round_: int) -> str:
    return str(save(store, "same", f"v{round_}").tag)


def churn(store: Store, number: int, round_: int) -> str:
    """Everything at once on a few contents; only what is documented may be raised."""
    random_ = random.Random(f"{round_} {number}")
    save(store, "kept", name=f"own{number}")
    until, done = time.monotonic() + float(os.environ.get("CHURN", "1")), 0
    while time.monotonic() < until:
        done += 1
        content = str(random_.randrange(4))
        try:
            match random_.randrange(10):
                case 0 | 1 | 2:
                    save(store, content)
                case 3:
                    store.delete("credit", force=random_.random() < 0.5)
                case 4:
                    assert all(isinstance(one, Entry) for one in store.list()), store.list()
                case 5:
                    store.verify("credit")
                case 6:
                    entry = store.get("credit")
                    assert entry.read("part0").startswith(entry.about["content"].encode())
                case 7:
                    store.alias("credit", f"alias{random_.randrange(3)}")
                case 8:
                    store.rollback("credit", f"alias{random_.randrange(3)}")
                case _:
                    _there_and_back(store, number)
        except (NotFound, InUse, AlreadyExists):
            continue
    assert store.verify(f"own{number}").about == {"content": "kept"}
    return f"own{number} {done}"


def _there_and_back(store: Store, number: int) -> None:
    """Export and import; the archive is this process's own."""
    archive = store.folder.parent / f"{number}.zip"
    try:
        tag = store.export("credit", archive).exists() and store.import_(archive).tag
        assert tag
    finally:
        archive.unlink(missing_ok=True)


def refused(store: Store, number: int, round_: int) -> str:
    """The store may be read but not written, and one name in it not even read."""
    assert store.verify("credit").read("part0")
    assert [type(one).__name__ for one in store.list()] == ["Entry", "Broken"]
    try:
        save(store, "new")
    except StoreError as error:
        return str(error)
    return "saved"


TASKS: dict[str, Callable[[Store, int, int], str]] = {
    "distinct": distinct,
    "conflicting": conflicting,
    "same": same,
    "churn": churn,
    "refused": refused,
}


def _no_locks() -> None:
    shelf.hold = lambda _: nullcontext()  # type: ignore[assignment, attr-defined, return-value]


def _no_looking() -> None:
    """Whatever is there already is taken for the same."""
    draft._is_intact = lambda *_: True


def _no_sameness() -> None:
    """Whatever is there already is taken for another."""

    def another(folder: Path, manifest: Manifest) -> bool:
        raise AlreadyExists(f"{manifest.tag} exists with other content in {folder}")

    draft._is_intact = another


WITHOUT: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "locks": _no_locks,
    "looking": _no_looking,
    "sameness": _no_sameness,
}


def run(store: Store, task: str, number: int, round_: int) -> None:
    try:
        answer = {"tag": TASKS[task](store, number, round_)}
    except AlreadyExists as error:
        answer = {"exists": str(error)}
    except Exception:  # noqa: BLE001  # whatever it is, the test shall show it
        answer = {"failed": traceback.format_exc()[-3000:]}
    os.write(1, json.dumps(answer).encode() + b"\n")


def main() -> None:
    root, task, processes, round_, without = sys.argv[1:]
    WITHOUT[without]()
    codecs.lookup("cp437")  # that of archives
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    store = Store(Path(root))
    # All start when the last one is there and this end of the pipe closes.
    read_end, write_end = os.pipe()
    for number in range(int(processes)):
        if os.fork() == 0:
            os.close(write_end)
            os.read(read_end, 1)
            run(store, task, number, int(round_))
            os._exit(0)
    os.close(write_end)
    for _ in range(int(processes)):
        os.wait()


if __name__ == "__main__":
    main()
