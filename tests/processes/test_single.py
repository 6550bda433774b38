"""A whole server in one process, as where there is no supervisor."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx2

SERVE = """
from pathlib import Path
from minibento.config.layers import read
from minibento.processes.place import Place
from minibento.processes.single import serve_in_one_process
from minibento.processes.sockets import Port

config = read({"set": ["runners.MODEL.placement=process", "runners.MODEL.max_queue=7"]}, {}, None)
port = Port("127.0.0.1", 0, 1)
serve_in_one_process(
    Place(Path.cwd(), "service", None),
    config.config,
    port,
    lambda name, versions: print(port.url, flush=True),
)
"""

SERVICE = """
import os
import minibento

class Model:
    @minibento.method
    def pid(self) -> int:
        return os.getpid()

@minibento.service
class Alone:
    model = minibento.Runner(Model)

    @minibento.api
    async def pids(self) -> list[int]:
        return [os.getpid(), await self.model.pid(), self.model.options.max_queue]
"""


def test_its_runners_are_embedded_and_configured_and_a_signal_ends_it(tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    pythonpath = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": pythonpath},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx2.post(f"{url}/pids", timeout=20)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert answer.json() == [process.pid, process.pid, 7]
