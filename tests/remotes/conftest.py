"""Two stores, a registry that does as it is told, a bucket, and nobody's credentials."""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from minibento.remotes import registry as registry_module
from minibento.remotes.address import Address
from minibento.remotes.pace import Patience
from minibento.remotes.transfer import Moved, pull, push
from minibento.store.store import Entry, Store
from tests.remotes.bucket_server import KEY, SECRET, serving
from tests.remotes.registry_server import FakeRegistry, basic, running
from tests.store.conftest import Save, save, store

__all__ = ["FILES", "Login", "Silent", "fetch", "save", "send", "store"]

FILES = {"model.bin": b"weights " * 40_000, "sub/é.txt": b"x", "same.txt": b"x", "empty": b""}
SHORT = Patience(
    connect=2.0,
    silence=0.5,
    window=0.3,
    slowest=1000,
    tries=3,
    first_pause=0.001,
    longest_pause=0.01,
)


Login = Callable[..., None]


class Silent:
    """A progress that nobody watches."""

    def __init__(self) -> None:
        self.begun: list[tuple[str, int]] = []
        self.count = 0

    def begin(self, path: str, size: int) -> None:
        self.begun.append((path, size))

    def moved(self, count: int) -> None:
        self.count += count


def send(entry: Entry, url: str) -> Moved:
    return push(entry, Address.parse(url), Silent())


def fetch(store: Store, url: str, *, trust: bool = False, latest: bool = False) -> Entry:
    return pull(store, Address.parse(url), Silent(), trust=trust, latest=latest)[0]


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """The store of another machine."""
    return Store(tmp_path / "other")


@pytest.fixture
def registry() -> Iterator[FakeRegistry]:
    with running() as registry:
        yield registry


@pytest.fixture(scope="session")
def bucket_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("weed")) as address:
        yield address


@pytest.fixture
def bucket(bucket_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a folder in a bucket that is nobody else's."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return f"s3://models/{secrets.token_hex(8)}/credit"


@pytest.fixture(params=["oci", "s3", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty place, of every kind in turn."""
    if request.param == "oci":
        return request.getfixturevalue("registry").url()  # type: ignore[no-any-return]
    if request.param == "s3":
        return str(request.getfixturevalue("bucket"))
    return f"file://{tmp_path}/share/credit"


@pytest.fixture
def url(registry: FakeRegistry, save: Save) -> str:
    """A version that the registry has."""
    return send(save(files=FILES), registry.url()).url


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    """Leaves a password where `skopeo login` does."""

    def login(port: int, password: str = "me:hunter2") -> None:  # noqa: S107 -- planted
        auth = {"auth": basic(password).removeprefix("Basic ")}
        (tmp_path / "auth.json").write_text(json.dumps({"auths": {f"127.0.0.1:{port}": auth}}))
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))

    return login


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests, and no patience."""
    for name in ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setattr(registry_module, "_PATIENCE", SHORT)
