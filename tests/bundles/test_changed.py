"""Bundles whose files were changed where they lie, or on the way (cases S10, S11)."""

import os
import random
import socket
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from minibento.bundles.bundle import Bundle
from minibento.errors import Corrupt, MinibentoError
from minibento.models.model import Model
from minibento.packager.serving import different_libraries, place_of
from minibento.store.entry import Entry
from minibento.store.files import VerifiedFiles
from minibento.store.home import local_store
from minibento.store.store import Store
from minibento.tag import Tag
from tests.bundles.making import installable, make_bundle
from tests.packager.projects import SERVICE, save_doubler

FLIPS = 1000


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    save_doubler()


@pytest.fixture
def entry() -> Entry:
    return make_bundle(
        SERVICE, "doubler", files={"code/words/de.txt": "guten Morgen", "README.md": "x"}
    )


def load(tag: Tag) -> None:
    """All that `serve TAG` does with a bundle's files before it answers, but to run the code."""
    bundle = Bundle(local_store("bundles").get(tag).path)
    different_libraries(place_of(bundle))
    entry = bundle.model(Tag.parse("doubler"))
    Model(entry.tag, entry).load()


def flip(path: Path, offset: int) -> None:
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[offset] ^= 1 << offset % 8
    path.write_bytes(data)


def check_flip(entry: Entry, path: Path, offset: int) -> str:
    """S10: it is found by verify, and what is served is refused; what became of it."""
    flip(path, offset)
    with pytest.raises(Corrupt):
        local_store("bundles").verify(entry.tag)
    try:
        load(entry.tag)
    except MinibentoError:
        return "refused"
    finally:
        flip(path, offset)
    # Nobody reads it to serve the bundle.
    assert path.relative_to(entry.path).as_posix() in {"openapi.json", "README.md"}
    return "not read"


def test_a_flipped_byte_anywhere_is_found_by_verify_and_none_is_loaded(entry: Entry) -> None:
    store, random_ = local_store("bundles"), random.Random(7)
    files = sorted(path for path in entry.path.rglob("*") if path.is_file())
    bytes_of = [(path, offset) for path in files for offset in range(path.stat().st_size)]
    seen: Counter[str] = Counter()
    for path, offset in random_.choices(bytes_of, k=FLIPS):
        seen[check_flip(entry, path, offset)] += 1
    assert seen.total() == FLIPS
    assert seen["refused"] > FLIPS // 2
    # Back as it was, it is whole: what was refused was refused for its one bit.
    load(entry.tag)
    store.verify(entry.tag)


@pytest.mark.parametrize("flips", [100, pytest.param(FLIPS, marks=pytest.mark.slow)])
def test_a_flipped_byte_of_the_file_is_refused_or_makes_no_difference(
    tmp_path: Path, flips: int
) -> None:
    file = installable(tmp_path, "doubler", code=SERVICE)
    tag = local_store("bundles").get("doubling").tag
    data, random_ = file.read_bytes(), random.Random(7)
    site, whole = Store(tmp_path / "site", "bundles"), 0
    for offset in random_.sample(range(len(data)), flips):
        changed = bytearray(data)
        changed[offset] ^= 1 << offset % 8
        file.write_bytes(changed)
        try:
            site.import_(file)
        except MinibentoError:
            assert site.list() == []
        else:  # a time of the zip format, which nobody reads
            whole += 1
            assert site.verify(tag).tag == tag
            site.delete(tag)
    assert whole < flips // 10


CHANGES: dict[str, Callable[[Path], object]] = {
    "add": lambda path: path.with_name("numpy.py").write_text("evil = 1"),
    "add below": lambda path: (path.parent / "words" / "more.txt").write_text("x"),
    "remove": Path.unlink,
    "rename": lambda path: path.rename(path.with_name("other.py")),
    "truncate": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "extend": lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    "swap": lambda path: _swap(path, path.parent / "words" / "de.txt"),
    "link": lambda path: _elsewhere(path).symlink_to(path.with_name("kept")),
    "link of a folder": lambda path: _linked_folder(path.parent),
    "fifo": lambda path: os.mkfifo(_elsewhere(path)),
    "socket": lambda path: _bind(_elsewhere(path)),
    "folder": lambda path: _elsewhere(path).mkdir(),
}


def _elsewhere(path: Path) -> Path:
    path.rename(path.with_name("kept"))
    return path


def _linked_folder(code: Path) -> None:
    code.rename(code.parents[3] / "code")
    code.symlink_to(code.parents[3] / "code")


def _swap(one: Path, other: Path) -> None:
    aside = one.with_name("aside")
    one.rename(aside)
    other.rename(one)
    aside.rename(other)


def _bind(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the path of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def check_changed(entry: Entry, change: str) -> None:
    """S11: code that is not what was built is not served, nor verified."""
    service = entry.path / "code" / "service.py"
    service.chmod(0o644)
    load(entry.tag)
    CHANGES[change](service)
    with pytest.raises(MinibentoError, match=r"(service|numpy|other)\.py|(more|de)\.txt"):
        place_of(Bundle(entry.path))
    with pytest.raises(MinibentoError):
        local_store("bundles").verify(entry.tag)


@pytest.mark.parametrize("change", CHANGES)
def test_code_that_is_not_what_was_built_is_not_served(entry: Entry, change: str) -> None:
    check_changed(entry, change)


def same_size(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"#")


def test_the_detector_sees_a_bundle_whose_digests_nobody_compares(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control of S10 and S11."""
    monkeypatch.setattr(VerifiedFiles, "_check", lambda *_: None)
    monkeypatch.setitem(CHANGES, "same size", same_size)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_flip(entry, entry.path / "code" / "service.py", 3)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        check_changed(entry, "same size")


def test_modes_and_the_number_of_links_are_no_matter(entry: Entry, tmp_path: Path) -> None:
    service = entry.path / "code" / "service.py"
    service.chmod(0o700)
    os.link(service, tmp_path / "another")
    load(entry.tag)
    local_store("bundles").verify(entry.tag)
