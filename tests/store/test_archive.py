"""One version as one file, out and in."""

import io
import os
import stat
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from minibento.errors import AlreadyExists, Corrupt, MinibentoError, NotFound, StoreError, Untrusted
from minibento.store import zip_layout
from minibento.store.archive import export_archive
from minibento.store.manifest import MANIFEST, Json
from minibento.store.store import Store
from tests.store.conftest import Save
from tests.store.packing import lying, pack

FILES = {"noise.bin": os.urandom(5000), "text.txt": b"text " * 500, "empty": b"", "sub/é.txt": b"x"}


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


@pytest.fixture
def archive(store: Store, save: Save, tmp_path: Path) -> Path:
    save(files=FILES, about={"labels": {"owner": "risk"}})
    return store.export("credit", tmp_path / "credit.zip")


def untouched(store: Store) -> bool:
    area = store.folder / ".staging"
    return store.list() == [] and (not area.exists() or list(area.iterdir()) == [])


def test_an_exported_version_comes_back_the_same(store: Store, other: Store, archive: Path) -> None:
    entry = other.import_(archive)
    assert (entry.tag, entry.about) == (store.get("credit").tag, {"labels": {"owner": "risk"}})
    other.verify(entry.tag)
    assert {name: entry.read(name) for name in FILES} == FILES
    assert entry.source == "credit.zip"


def test_the_same_version_always_gives_the_same_bytes(
    store: Store, other: Store, archive: Path, tmp_path: Path
) -> None:
    other.import_(archive)
    (tmp_path / "again").mkdir()
    again = other.export("credit", tmp_path / "again")
    assert again.name == f"credit-{store.get('credit').tag.version}.zip"
    assert again.read_bytes() == archive.read_bytes()


def test_what_does_not_compress_is_stored_as_it_is(archive: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        methods = {info.filename: info.compress_type for info in opened.infolist()}
        assert opened.namelist() == [MANIFEST, *sorted(FILES)]
        assert {info.date_time for info in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert methods["noise.bin"] == zipfile.ZIP_STORED
    assert methods["text.txt"] == zipfile.ZIP_DEFLATED


def test_content_that_compresses_like_a_bomb_still_comes_back(
    store: Store, other: Store, save: Save, tmp_path: Path
) -> None:
    save(files={"zeros": bytes(4 << 20)})
    entry = other.import_(store.export("credit", tmp_path / "zeros.zip"))
    assert entry.size == 4 << 20


def test_nothing_is_overwritten_and_nothing_left_of_a_failed_export(
    store: Store, archive: Path, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyExists, match="remove it, or choose another path"):
        store.export("credit", archive)
    entry = store.get("credit")
    (entry.path / "noise.bin").chmod(0o644)
    (entry.path / "noise.bin").write_bytes(bytes(5000))
    with pytest.raises(Corrupt, match=r"noise\.bin"):
        store.export("credit", tmp_path / "bad.zip")
    with pytest.raises(StoreError, match="missing"):
        store.export("credit", tmp_path / "missing" / "x.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["credit.zip", "home"]


def test_an_import_becomes_latest_only_if_asked_or_alone(
    store: Store, other: Store, save: Save, tmp_path: Path
) -> None:
    first = save(content="one")
    one = store.export("credit", tmp_path / "one.zip")
    second = save(content="two")
    two = store.export("credit", tmp_path / "two.zip")
    other.import_(one)
    assert other.get("credit").tag == first.tag
    other.import_(two)
    assert other.get("credit").tag == first.tag
    other.import_(two, latest=True)
    assert other.get("credit").tag == second.tag


def test_an_explicit_version_is_imported_as_such_and_never_replaced(
    store: Store, other: Store, save: Save, tmp_path: Path
) -> None:
    save(version="v1")
    path = store.export("credit", tmp_path / "v1.zip")
    assert str(other.import_(path).tag) == str(other.import_(path).tag) == "credit:v1"
    with other.draft("churn") as draft:
        draft.publish({})
    other.delete("credit:v1")
    with other.draft("credit") as draft:
        draft.publish({}, "v1")
    with pytest.raises(AlreadyExists):
        other.import_(path)


def test_what_can_execute_code_is_imported_only_with_trust_which_is_recorded(
    store: Store, other: Store, save: Save, tmp_path: Path
) -> None:
    save(about={"executes_code": True})
    path = store.export("credit", tmp_path / "code.zip")
    with pytest.raises(Untrusted, match="--trust"):
        other.import_(path)
    assert untouched(other)
    assert other.import_(path, trust=True).trusted
    entry = other.get("credit")
    assert (entry.source, entry.trusted) == ("code.zip", True)
    assert store.get("credit").source is None


def test_the_refusal_names_the_files_that_can_execute_code(
    store: Store, other: Store, tmp_path: Path
) -> None:
    with store.draft("credit") as draft:
        (draft.path / "custom_objects.pkl").write_bytes(b"x")
        (draft.path / "model.ubj").write_bytes(b"y")
        draft.publish({"executes_code": True})
    path = store.export("credit", tmp_path / "code.zip")
    with pytest.raises(Untrusted, match=r"whose 'custom_objects\.pkl' can execute code"):
        other.import_(path)


def test_saving_imported_content_oneself_makes_it_ones_own(
    store: Store, save: Save, other: Store, tmp_path: Path
) -> None:
    entry = save()
    path = store.export("credit", tmp_path / "x.zip")
    assert store.import_(path).source is None
    store.delete(entry.tag)
    assert store.import_(path).source == "x.zip"
    assert save().source is None


# Bad archives -------------------------------------------------------------------------------------


def test_an_archive_cut_off_anywhere_is_refused_whole(other: Store, archive: Path) -> None:
    data = archive.read_bytes()
    for length in [*range(0, len(data), 97), *range(len(data) - 60, len(data))]:
        archive.write_bytes(data[:length])
        with pytest.raises(Corrupt, match="export the version again"):
            other.import_(archive)
    assert untouched(other)


def test_bytes_before_after_or_between_are_refused(other: Store, archive: Path) -> None:
    data = archive.read_bytes()
    directory = struct.unpack("<L", data[-6:-2])[0]
    gap = data[:directory] + b"gap!" + data[directory:-6] + struct.pack("<LH", directory + 4, 0)
    for changed in (data + b"\0", b"#!/bin/sh\n" + data, data + data, gap):
        archive.write_bytes(changed)
        with pytest.raises(Corrupt):
            other.import_(archive)
    assert untouched(other)


def test_any_flipped_byte_is_refused_or_makes_no_difference(
    store: Store, other: Store, archive: Path
) -> None:
    data = archive.read_bytes()
    tag = store.get("credit").tag
    for offset in range(0, len(data), 23):
        archive.write_bytes(data[:offset] + bytes([data[offset] ^ 0x41]) + data[offset + 1 :])
        try:
            entry = other.import_(archive)
        except (Corrupt, StoreError):
            assert untouched(other)
        else:
            assert other.verify(entry.tag).tag == tag
            other.delete(tag)


def test_what_is_no_archive_is_refused(other: Store, tmp_path: Path) -> None:
    for data in (b"", b"PK", b"x" * 100_000, b"PK\5\6" + bytes(18)):
        (tmp_path / "x.zip").write_bytes(data)
        with pytest.raises(Corrupt):
            other.import_(tmp_path / "x.zip")
    with pytest.raises(StoreError, match=r"missing\.zip"):
        other.import_(tmp_path / "missing.zip")
    with pytest.raises(StoreError):
        other.import_(tmp_path)
    assert untouched(other)


def test_a_pipe_that_nobody_writes_into_is_refused_at_once(other: Store, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="not a regular file"):
        other.import_(tmp_path / "pipe")


def test_the_packing_used_in_these_tests_is_accepted(other: Store, tmp_path: Path) -> None:
    assert other.import_(pack(tmp_path / "x.zip", {"a": b"1"})).read("a") == b"1"


@pytest.mark.parametrize(
    "name",
    ["../x", "/abs", "a/../../x", "..\\x", "C:\\x", "a\nb", "x" * 5000, ".", "a/", "Manifest.json"],
    ids=ascii,
)
def test_an_unsafe_name_refuses_the_whole_archive(other: Store, tmp_path: Path, name: str) -> None:
    with pytest.raises(Corrupt):
        other.import_(pack(tmp_path / "x.zip", {"good": b"1", name: b"2"}))
    assert untouched(other)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK, stat.S_IFDIR, 0]
)
def test_what_is_no_regular_file_refuses_the_whole_archive(
    other: Store, tmp_path: Path, kind: int
) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.external_attr = (kind | 0o777) << 16

    with pytest.raises(Corrupt, match="not a regular file"):
        other.import_(pack(tmp_path / "x.zip", {"a": b"/etc/passwd"}, change=change))
    assert untouched(other)


@pytest.mark.parametrize(
    ("members", "listed"),
    [
        ({"a": b"1", "extra": b"2"}, {"a": b"1"}),
        ({"a": b"1"}, {"a": b"1", "missing": b"2"}),
        ({"a": b"1"}, {"a": b"2"}),
        ({"a": b"1"}, {"a": b"11"}),
    ],
    ids=["extra", "missing", "content", "size"],
)
def test_files_other_than_the_manifest_says_are_refused(
    other: Store, tmp_path: Path, members: dict[str, bytes], listed: dict[str, bytes]
) -> None:
    with pytest.raises(Corrupt, match="is not what its manifest says"):
        other.import_(pack(tmp_path / "x.zip", members, listed=listed))
    assert untouched(other)


def test_an_archive_without_a_manifest_is_refused(other: Store, tmp_path: Path) -> None:
    info = zipfile.ZipInfo("a")
    info.external_attr = (stat.S_IFREG | 0o444) << 16
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as made:
        made.writestr(info, b"1")
    with pytest.raises(Corrupt, match=r"holds no manifest\.json"):
        other.import_(tmp_path / "x.zip")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_given_twice_is_refused(other: Store, tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a": b"1"})
    info = zipfile.ZipInfo("a")
    info.external_attr = (stat.S_IFREG | 0o444) << 16
    with zipfile.ZipFile(path, "a") as made:
        made.writestr(info, b"2")
    with pytest.raises(Corrupt, match="names a file twice"):
        other.import_(path)


def test_a_file_that_is_also_a_folder_is_refused(other: Store, tmp_path: Path) -> None:
    with pytest.raises(MinibentoError):
        other.import_(pack(tmp_path / "x.zip", {"a": b"1", "a/b": b"2"}))
    assert untouched(other)


def test_entries_inside_others_are_refused(other: Store, tmp_path: Path) -> None:
    inner = pack(tmp_path / "inner.zip", {"b": b"2"}).read_bytes()
    path = pack(tmp_path / "x.zip", {"a": inner, "b": b"2"})
    data = bytearray(path.read_bytes())
    # Point the directory's last entry at its twin inside the stored file `a`.
    last = data.rindex(b"PK\1\2")
    twin = data.index(inner) + inner.rindex(b"PK\3\4")
    data[last + 42 : last + 46] = struct.pack("<L", twin)
    path.write_bytes(bytes(data))
    with pytest.raises(Corrupt, match="overlaps another entry"):
        other.import_(path)
    assert untouched(other)


def test_a_name_that_another_reader_would_cut_is_refused(other: Store, tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"aXb": b"1"}, listed={"a": b"1"})
    path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    with pytest.raises(Corrupt, match="in its own header"):
        other.import_(path)


@pytest.mark.parametrize("field", [6, 8, 14], ids=["flags", "method", "checksum"])
def test_an_entry_and_the_directory_must_agree(other: Store, tmp_path: Path, field: int) -> None:
    path = pack(tmp_path / "x.zip", {"a": b"1"})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\3\4") + field] ^= 8
    path.write_bytes(bytes(data))
    with pytest.raises(Corrupt, match="in its own header"):
        other.import_(path)


def test_a_comment_is_refused_also_a_claimed_one(other: Store, archive: Path) -> None:
    data = archive.read_bytes()
    for changed in (data[:-2] + b"\1\0!", data[:-2] + b"\1\0"):
        archive.write_bytes(changed)
        with pytest.raises(Corrupt):
            other.import_(archive)
    assert untouched(other)


def test_a_bomb_is_refused_before_it_is_unpacked(other: Store, tmp_path: Path) -> None:
    def change(info: zipfile.ZipInfo) -> None:
        info.compress_type = zipfile.ZIP_DEFLATED

    path = pack(tmp_path / "x.zip", {"zeros": bytes(50 << 20)}, change=change)
    assert path.stat().st_size < 100_000
    with pytest.raises(Corrupt, match="times its size"):
        other.import_(path)
    assert untouched(other)


def test_too_many_files_or_bytes_are_refused(
    other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "x.zip", {str(number): b"12345" for number in range(20)})
    monkeypatch.setattr(zip_layout, "MAX_FILES", 10)
    with pytest.raises(StoreError, match="at most 10 are taken"):
        other.import_(path)
    monkeypatch.undo()
    monkeypatch.setattr(zip_layout, "MAX_BYTES", 50)
    with pytest.raises(StoreError, match="at most 50 are taken"):
        other.import_(path)
    assert untouched(other)


def test_a_claim_of_other_sizes_than_are_there_is_refused(other: Store, tmp_path: Path) -> None:
    path = pack(tmp_path / "x.zip", {"a": b"1234"})
    data = bytearray(path.read_bytes())
    for offset in (20, 24):
        changed = bytearray(data)
        last = changed.rindex(b"PK\1\2")
        changed[last + offset] -= 1
        path.write_bytes(bytes(changed))
        with pytest.raises(Corrupt):
            other.import_(path)
    assert untouched(other)


def test_a_manifest_that_unpacks_to_more_than_it_says_takes_no_memory(
    other: Store, tmp_path: Path
) -> None:
    path = lying(pack(tmp_path / "x.zip", {"a": b"1"}), MANIFEST, 256 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(Corrupt, match="Bad CRC-32"):
            other.import_(path)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()
    assert untouched(other)


def test_a_manifest_that_is_much_longer_than_what_it_lists_is_not_read(
    other: Store, tmp_path: Path
) -> None:
    long: dict[str, Json] = {"metadata": {"x": [[]] * 3_000_000}}
    with pytest.raises(Corrupt, match=r"manifest\.json exceeds 8391008 bytes"):
        other.import_(pack(tmp_path / "x.zip", {"a": b"1"}, about=long))
    other.import_(pack(tmp_path / "x.zip", {"a": b"1"}, about={"metadata": "y" * (7 << 20)}))


def test_more_entries_than_a_short_zip_can_count_are_read_as_a_long_one(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number in range(70_000):
            info = zipfile.ZipInfo(str(number))
            info.external_attr = (stat.S_IFREG | 0o444) << 16
            made.writestr(info, b"")
    (tmp_path / "x.zip").write_bytes(buffer.getvalue())
    with (tmp_path / "x.zip").open("rb") as file:
        assert len(zip_layout.check_layout(file).infolist()) == 70_000


def test_what_is_deleted_while_it_is_exported_is_not_found(
    store: Store, save: Save, tmp_path: Path
) -> None:
    entry = save()
    store.delete(entry.tag)
    with pytest.raises(NotFound, match="was deleted meanwhile"):
        export_archive(entry, tmp_path / "x.zip", "models")
    assert not (tmp_path / "x.zip").exists()


def test_exporting_what_is_not_there_is_not_found(store: Store, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        store.export("credit", tmp_path / "x.zip")
