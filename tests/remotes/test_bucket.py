"""`s3://` where it refuses, and where a push breaks off."""

from collections.abc import Iterator

import pytest
import s3fs

from minibento.errors import RemoteError
from minibento.remotes.address import Address
from minibento.remotes.base import Blob, opened
from tests.remotes.conftest import send
from tests.store.conftest import Save

PARTS = 20 << 20  # more than two parts


def objects(url: str) -> list[str]:
    files = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
    return [str(path) for path in files.find(url.removeprefix("s3://"))]


def test_content_of_many_parts_comes_back(save: Save, bucket: str) -> None:
    data = bytes(range(256)) * (PARTS // 256) + b"end"
    send(save(files={"model.bin": data}), bucket)
    with opened(Address.parse(bucket), writing=False) as remote:
        (record,) = save(files={"model.bin": data}).files
        assert b"".join(remote.read(Blob.of(record))) == data


@pytest.mark.parametrize("before", [100, PARTS])
def test_a_push_that_breaks_off_leaves_no_object(bucket: str, before: int) -> None:
    def content() -> Iterator[bytes]:
        for _ in range(0, before, 1 << 20):
            yield bytes(min(1 << 20, before))
        raise ValueError("the file was changed")

    with opened(Address.parse(bucket), writing=True) as remote:
        with pytest.raises(ValueError, match="was changed"):
            remote.put(Blob("0" * 64, before + 1), content)
        assert not remote.has(Blob("0" * 64, before + 1))
    assert objects(bucket) == []


def test_wrong_and_missing_keys_are_told_with_the_places(
    save: Save, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-hunter2")
    with pytest.raises(RemoteError, match=r"Forbidden: set AWS_ACCESS_KEY_ID.*credentials") as one:
        send(save(), bucket)
    assert "hunter2" not in str(one.value)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(RemoteError, match="Unable to locate credentials: set AWS_"):
        send(save(), bucket)


def test_nobody_there_is_told_without_what_an_endpoint_may_carry(
    save: Save, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from minibento.remotes import bucket as module

    few = {"connect_timeout": 1, "read_timeout": 1, "retries": {"max_attempts": 1}}
    monkeypatch.setattr(module, "_TIMES", few)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://me:hunter2@127.0.0.1:9")
    with pytest.raises(RemoteError, match="check the bucket, the network and AWS_ENDPOINT") as one:
        send(save(), bucket)
    assert "hunter2" not in str(one.value)
