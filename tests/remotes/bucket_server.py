"""SeaweedFS as a server of S3's interface, on free ports, for as long as a block."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

__all__ = ["KEY", "SECRET", "serving"]

KEY, SECRET = "a-key", "hunter2-of-the-bucket"
START_SECONDS = 60.0
_SERVERS = ("master", "volume", "filer", "s3")
_OFF = ("-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Its address; whoever knows KEY and SECRET may do anything."""
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = _free_ports(2 * len(_SERVERS))
    options = [f"-{name}.port{kind}={ports.pop()}" for name in _SERVERS for kind in (".grpc", "")]
    s3 = int(options[-1].rpartition("=")[2])
    places = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-dir={folder}"]
    command = [str(Path(sys.executable).with_name("weed")), "server", "-filer", "-s3"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [*command, *places, *options, *_OFF, f"-s3.config={folder / 's3.json'}"],
            stdout=log,
            stderr=log,
        ) as weed,
    ):
        try:
            _wait(weed, s3, folder / "log")
            yield f"http://127.0.0.1:{s3}"
        finally:
            weed.send_signal(signal.SIGKILL)


def _wait(weed: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and weed.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            threading.Event().wait(0.05)
        else:
            return
    raise AssertionError(log.read_text()[-3000:])


def _free_ports(count: int) -> list[int]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
