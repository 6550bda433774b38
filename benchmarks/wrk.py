"""wrk, the closed-loop generator: N connections that each ask again when they are answered.

A closed loop hides overload: a server that stalls is simply asked less. It is here for throughput
and for the latency of one lone client; `benchmarks.openloop` is for latency under load.
"""

import json
import shutil
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.failures import MeasurementFailed
from benchmarks.workload import Workload

__all__ = ["Throughput", "median", "read", "run", "script"]

_SCRIPT = """\
local bodies = {
%s
}
local requests = {}
local turn = 0

function init(_)
  local headers = { ["Content-Type"] = "application/json" }
  for index, body in ipairs(bodies) do
    requests[index] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn %% #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\\nSUMMARY {"requests": %%d, "microseconds": %%d, "p50": %%d, "p99": %%d, "status": %%d, ' ..
    '"connect": %%d, "read": %%d, "write": %%d, "timeout": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Throughput:
    """One run: requests per second, and latencies in seconds as a closed loop sees them."""

    rate: float
    p50: float
    p99: float


def median(figures: Sequence[Throughput]) -> Throughput:
    """Each figure's own median."""
    return Throughput(
        rate=statistics.median(figure.rate for figure in figures),
        p50=statistics.median(figure.p50 for figure in figures),
        p99=statistics.median(figure.p99 for figure in figures),
    )


def script(workload: Workload) -> str:
    """The Lua script that sends the bodies in turn and sums up in one line of JSON."""
    lines = []
    for body in workload.bodies:
        text = body.decode()
        assert "]==]" not in text
        lines.append(f"  [==[{text}]==],")
    return _SCRIPT % "\n".join(lines)


def read(output: str) -> Throughput:
    """Read what the script printed.

    Raises:
        MeasurementFailed: some answer was not 2xx or 3xx, or none came, or connections broke.
    """
    found = [line for line in output.splitlines() if line.startswith("SUMMARY ")]
    if not found:
        raise MeasurementFailed(f"wrk printed no summary: {output[-300:]}")
    numbers: dict[str, int] = json.loads(found[-1].removeprefix("SUMMARY "))
    errors = {
        kind: numbers[kind]
        for kind in ("status", "connect", "read", "write", "timeout")
        if numbers[kind]
    }
    if errors or not numbers["requests"]:
        raise MeasurementFailed(f"of {numbers['requests']} requests some failed: {errors}")
    return Throughput(
        rate=numbers["requests"] / numbers["microseconds"] * 1e6,
        p50=numbers["p50"] / 1e6,
        p99=numbers["p99"] / 1e6,
    )


def run(
    port: int, workload: Workload, connections: int, seconds: int, directory: Path
) -> Throughput:
    """Load 127.0.0.1 with so many connections from one thread.

    Raises:
        MeasurementFailed: wrk is not installed, or an answer was not right.
    """
    program = shutil.which("wrk")
    if program is None:
        raise MeasurementFailed("wrk is not installed: apt-get install -y wrk")
    path = directory / "requests.lua"
    path.write_text(script(workload))
    url = f"http://127.0.0.1:{port}{workload.path}"
    done = subprocess.run(
        # A naive server with 128 clients of a forest takes more than wrk's own 2 s to answer.
        [program, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", path, url],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise MeasurementFailed(f"wrk ended with {done.returncode}: {done.stderr[-300:]}")
    return read(done.stdout)
