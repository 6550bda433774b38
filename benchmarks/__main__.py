"""`python -m benchmarks [NAME...]`: runs experiments and prints Markdown; progress goes to stderr.

Exit code 1 if something could not be measured; a figure that is missed is printed, no more: it
depends on the machine.
"""

import argparse
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Report, markdown
from benchmarks.settings import Settings
from benchmarks.workplace import Workplace

EXPERIMENTS = (
    *("noop", "light", "forest", "latency", "imports", "openloop"),
    *("processes", "arrays", "memory", "recovery", "startup", "updates", "connections"),
    *("overload", "builds", "archives"),
)


def main(arguments: list[str]) -> int:
    """Run what was asked for, in the order of EXPERIMENTS."""
    options = _parser().parse_args(arguments)
    unknown = sorted(set(options.names) - set(EXPERIMENTS))
    if unknown:
        print(f"no experiment {unknown[0]!r}: there are {', '.join(EXPERIMENTS)}", file=sys.stderr)
        return 2
    print(f"`python -m benchmarks {' '.join(arguments)}`".replace(" `", "`"))
    print(f"\n{machine.describe()}\n")
    if busy := machine.warning(os.getloadavg()[0], len(os.sched_getaffinity(0))):
        print(busy)
    complete = True
    with tempfile.TemporaryDirectory(prefix="minibento-bench-") as directory:
        settings = Settings(
            rounds=options.rounds or (1 if options.quick else 5),
            seconds=options.seconds or (1 if options.quick else 2),
            starts=5 if options.quick else 21,
            place=Workplace(Path(directory)),
        )
        for name in EXPERIMENTS:
            if options.names and name not in options.names:
                continue
            print(name, file=sys.stderr)
            reports: list[Report] = import_module(f"benchmarks.experiments.{name}").run(settings)
            for report in reports:
                print(markdown(report), flush=True)
                complete = complete and not report.failures
    return 0 if complete else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure minibento side by side with others."
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(EXPERIMENTS)}; default: all"
    )
    parser.add_argument("--rounds", type=int, help="measurements of each case (5)")
    parser.add_argument("--seconds", type=int, help="length of each load (2)")
    parser.add_argument("--quick", action="store_true", help="1 round of 1 s: does it run at all?")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
