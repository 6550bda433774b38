"""Prints what the policy reaches: `python -m benchmarks.simulator [--quick]`."""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby

from benchmarks.simulator.figures import Row, rows


def table(group: Sequence[Row]) -> str:
    """Rows of one kind under one head; `!` marks those that miss a figure."""
    columns = list(group[0].numbers)
    lines = [f"{group[0].kind:42}" + "".join(f"{column:>18}" for column in columns)]
    for row in group:
        cells = "".join(f"{row.numbers[column]:>18.3f}" for column in columns)
        lines.append(f"{row.name:42}{cells}{'' if row.reached else '  !'}")
    return "\n".join(lines)


def main() -> int:
    """The exit code: 1 if a figure is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="5 seeds and a third of the scenarios")
    options = parser.parse_args()
    seeds = range(5 if options.quick else 20)
    with ProcessPoolExecutor() as executor:
        done = sorted(rows(seeds, executor, quick=options.quick), key=lambda row: row.kind)
    for _, group in groupby(done, key=lambda row: row.kind):
        print(table(list(group)), end="\n\n")
    missed = [row.name for row in done if not row.reached]
    print(f"{len(done) - len(missed)} of {len(done)} scenarios reach the figures")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
