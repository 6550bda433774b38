"""What a version consists of, and its digest."""

import json
import os
import random
import subprocess
import sys

import pytest

from minibento.errors import Corrupt, StoreError
from minibento.store.manifest import FileRecord, Json, Manifest, check_path

FILES = [FileRecord("b/c.bin", 3, "0" * 64), FileRecord("a.txt", 0, "f" * 64)]


def manifest(about: Json = None, explicit: str | None = None) -> Manifest:
    return Manifest.of("credit", explicit, FILES, {"value": about})


def test_the_version_is_sixteen_characters_of_lower_case_base32() -> None:
    version = manifest().version
    assert len(version) == 16
    assert set(version) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_the_version_is_the_same_on_every_machine_and_day() -> None:
    # Written down once: another value here renames every version in every store.
    assert Manifest.of("credit", None, FILES, {"labels": {"ä": 1.5}}).version == "iv3sicg23g3kp22q"


def test_the_version_depends_on_files_and_about_only() -> None:
    same = Manifest.of("other", None, FILES[::-1], {"b": 1, "a": [2]})
    assert same.version == Manifest.of("credit", None, FILES, {"a": (2,), "b": 1}).version
    assert manifest(1).version != manifest(2).version
    assert manifest(1).version != manifest(1.0).version


@pytest.mark.parametrize("seed", ["0", "1"])
def test_the_version_does_not_depend_on_the_hash_seed_or_time_zone(seed: str) -> None:
    code = (
        "from minibento.store.manifest import Manifest;"
        "print(Manifest.of('a', None, [], {k: {k} and 1 for k in 'xyz'}).version)"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "TZ": f"X{seed}"}
    found = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == Manifest.of("a", None, [], dict.fromkeys("zyx", 1)).version


def test_an_explicit_version_is_the_version_and_leaves_the_digest_alone() -> None:
    assert manifest(explicit="v1").version == "v1"
    assert manifest(explicit="v1").digest == manifest().digest


def test_it_reads_back_what_it_wrote() -> None:
    values: list[Json] = [None, 1, -0.5, "é\u2028", [], {"a": {"b": [True, None]}}]
    for about in values:
        whole = manifest(about, "v1")
        assert Manifest.from_bytes(whole.to_bytes()) == whole


def test_every_changed_byte_is_found_or_makes_it_another_versions_manifest() -> None:
    whole = manifest({"text": "abc", "number": 12.5}, "v1")
    data = whole.to_bytes()
    random_ = random.Random(1)
    for offset in range(len(data)):
        changed = bytearray(data)
        changed[offset] ^= random_.randint(1, 255)
        try:
            assert Manifest.from_bytes(bytes(changed)).tag != whole.tag
        except Corrupt:
            continue


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"format": 1' + b"0" * 10_000 + b"}",
        b'{"format": 1, "name": "../x", "explicit": null, "files": {}, "about": {}}',
        b'{"format": 1, "name": "a", "explicit": "latest", "files": {}, "about": {}}',
        b'{"format": 1, "name": "a", "explicit": null, "files": {"../x": [1, "00"]}, "about": {}}',
        b'{"format": 1, "name": "a", "explicit": null, "files": [], "about": {}}',
        b'{"format": 1, "name": "a", "explicit": null, "files": {}, "about": NaN}',
    ],
    ids=lambda data: repr(data[:60]),
)
def test_what_is_no_manifest_is_corrupt_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Corrupt):
        Manifest.from_bytes(data)


def test_a_newer_format_says_what_to_use() -> None:
    newer = json.loads(manifest().to_bytes()) | {"format": 2}
    with pytest.raises(Corrupt, match="has format 2, this minibento reads 1"):
        Manifest.from_bytes(json.dumps(newer).encode())


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"a": {"b": {1, 2}}}, r"about\['value'\]\['a'\]\['b'\] is a set"),
        ([1, float("nan")], r"about\['value'\]\[1\] is nan"),
        (float("-inf"), "is -inf"),
        ({1: "x"}, "the key 1: keys must be str"),
        ("\ud800", "not Unicode text"),
        ({"\ud800": 1}, "not Unicode text"),
        (b"bytes", "is a bytes"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(about: Json, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        manifest(about)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "/abs",
        "a/../../x",
        "a/./b",
        "..",
        ".",
        "",
        "a//b",
        "a/",
        "..\\x",
        "C:\\x",
        "a\x00b",
        "a\nb",
        "x" * 5000,
        "\udcff",
        "manifest.json",
        "MANIFEST.JSON",
    ],
    ids=ascii,
)
def test_a_path_that_is_not_safe_everywhere_is_refused(path: str) -> None:
    with pytest.raises(StoreError, match=r"name"):
        check_path(path)


@pytest.mark.parametrize("path", ["a", "a/b.c/d", ".hidden", "é ü", "sub/manifest.json", "-x", "~"])
def test_a_usual_path_is_fine(path: str) -> None:
    assert check_path(path) == path
