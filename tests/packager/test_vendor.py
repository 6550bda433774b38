"""Wheels that are kept from one build to the next."""

import hashlib
import threading
from pathlib import Path

import pytest

from minibento.errors import BuildError, StoreError
from minibento.packager import vendor
from minibento.packager.lock import Lock
from minibento.packager.vendor import vendored

WHEEL = b"a wheel"
LOCK = Lock(f"x==1 --hash=sha256:{hashlib.sha256(WHEEL).hexdigest()}\n".encode(), {"x": "1"})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINIBENTO_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache" / "wheels"


def download(lock: Lock, python: str, platform: str, into: Path) -> None:
    (into / "x-1-py3-none-any.whl").write_bytes(WHEEL)


def kept(cache: Path) -> list[Path]:
    return [one for one in cache.iterdir() if one.is_dir() and one.name != ".staging"]


def test_those_who_want_the_same_wheels_at_once_get_them_with_one_download(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads, failed = [], []

    def once(*given: str, into: Path | None = None) -> None:
        downloads.append(given)
        download(*given)  # type: ignore[arg-type]

    def want(number: int) -> None:
        (tmp_path / str(number)).mkdir()
        try:
            vendored(LOCK, "3.11", "linux/amd64", tmp_path / str(number))
        except Exception as error:  # noqa: BLE001 -- shown below
            failed.append(error)

    monkeypatch.setattr(vendor, "_download", once)
    threads = [threading.Thread(target=want, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (failed, len(downloads), len(kept(cache))) == ([], 1, 1)
    assert list((cache / ".staging").iterdir()) == []
    assert (tmp_path / "19" / "x-1-py3-none-any.whl").read_bytes() == WHEEL


def test_a_kept_wheel_that_was_changed_is_not_bundled(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "_download", download)
    vendored(LOCK, "3.11", "linux/amd64", tmp_path)
    ((wheel,),) = [list(one.iterdir()) for one in kept(cache)]
    wheel.write_bytes(b"a wheal")
    with pytest.raises(BuildError, match="is not what is locked: remove"):
        vendored(LOCK, "3.11", "linux/amd64", tmp_path)


def test_a_download_that_fails_keeps_nothing(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(lock: Lock, python: str, platform: str, into: Path) -> None:
        download(lock, python, platform, into)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vendor, "_download", full)
    with pytest.raises(StoreError, match="free some space"):
        vendored(LOCK, "3.11", "linux/amd64", tmp_path)
    assert kept(cache) == []
    assert list((cache / ".staging").iterdir()) == []
