"""Runs all benchmarks, or those that are named, and prints one table.

python benchmarks/run.py imports wires      # two of them
python benchmarks/run.py --fast --keep      # the fast ones, as the last run
"""

import argparse
import sys
import time
from importlib import import_module
from typing import Any, Final

from _kept import keep, load
from _measure import parsed, print_tables
from _rows import Row

_FAST: Final = (
    "imports",
    "decoding",
    "events",
    "no_wire",
    "round_trip",
    "wires",
    "peers",
    "generated",
    "quota",
    "observed",
    "growth",
    "hostile",
    "stalls",
    "store_costs",
    "in_memory",
)
_SLOW: Final = (
    "operations",
    "batches",
    "sandboxes",
    "storms",
    "soak",
    "processes",
    "purchases",
    "stopped_batches",
)


def main() -> None:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(description="Run benchmarks.")
    parser.add_argument("scripts", nargs="*", metavar="SCRIPT", help="all, if none is named")
    parser.add_argument("--fast", action="store_true", help="those that take less than two minutes")
    parser.add_argument("--keep", action="store_true", help="keep it as the last run")
    options = parsed(parser)
    if options.quick and options.keep:
        parser.error("the figures of --quick mean little, and are not kept")
    names = options.scripts or (_FAST if options.fast else (*_FAST, *_SLOW))
    if unknown := set(names) - {*_FAST, *_SLOW}:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    tables, before = dict[str, list[Row]](), load()
    for name in names:
        started = time.perf_counter()
        script: Any = import_module(name)
        tables[name] = script.compare(quick=options.quick)
        seconds = time.perf_counter() - started
        print(f"{name}.py: {seconds:.0f} s", file=sys.stderr, flush=True)
        if options.keep and tables[name]:
            keep(name, tables[name], seconds)
    print_tables(tables, before)


if __name__ == "__main__":
    main()
