"""This SDK compared with other async SDKs and HTTP clients: start-up, and the CPU time of a call.

All get the same response from the same server on loopback, and read it: the SDKs into the nearest
model that they have, the HTTP clients with `json()`.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from _calls import Wire, cpu
from _children import environment, seconds
from _clean import clean_python
from _contestants import IMPORTS, MAKERS, OURS, Made
from _measure import Row, Unit, at_most, is_quick, print_table, race, take_turns
from server import Address, running

__all__ = ["compare"]

_ROUNDS: Final = 15
_STARTS: Final = 7
_PROGRAM: Final = """
import asyncio, sys
sys.path.insert(1, "benchmarks")
from _contestants import MAKERS

async def main(name, url):
    call, close = await MAKERS[name](url)
    {}
    await close()

asyncio.run(main(*sys.argv[1:]))
"""
_CLIENT: Final = _PROGRAM.format("pass")
_CALL: Final = _PROGRAM.format("await call()")


def compare(*, quick: bool) -> list[Row]:
    """Compare with all that are installed."""
    rounds = 1 if quick else _ROUNDS
    names = [name for name in MAKERS if find_spec(name)]
    for name in MAKERS.keys() - names:
        print(f"peers: {name} is not installed; without it", file=sys.stderr)
    with running() as address:
        return [*_calls(names, address, rounds), *_starts(names, address, 1 if quick else _STARTS)]


def _calls(names: Sequence[str], address: Address, rounds: int) -> Iterator[Row]:
    with asyncio.Runner() as runner:
        wire = Wire(runner, address.http, address.ca_file)
        made: dict[str, Made] = {name: runner.run(MAKERS[name](wire.url)) for name in names}
        try:
            for in_flight in (1, 16):
                turns = {
                    name: partial(cpu, wire, call, in_flight) for name, (call, _) in made.items()
                }
                costs = race(turns, rounds)
                yield from _rows(f"CPU per call, {in_flight} in flight", costs, "s/call")
        finally:
            for _, close in made.values():
                runner.run(close())


def _starts(names: Sequence[str], address: Address, rounds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        surroundings = environment(str(Path(folder) / "compiled"))
        python = clean_python(
            str(Path(folder) / "environment"), *(name for name in names if name != OURS)
        )
        for what, programs in (
            ("import", {name: IMPORTS[name] for name in names}),
            ("process to first client", dict.fromkeys(names, _CLIENT)),
            ("process to first response", dict.fromkeys(names, _CALL)),
        ):
            turns = {
                name: partial(seconds, program, surroundings, name, address.http, python=python)
                for name, program in programs.items()
            }
            if rounds > 1:
                take_turns(turns, 1)  # compiles all modules
            yield from _rows(what, take_turns(turns, rounds), "s")


def _rows(what: str, costs: Mapping[str, Sequence[float]], unit: Unit) -> Iterator[Row]:
    for name, cost in costs.items():
        if name != OURS:
            yield at_most(None, f"{what} | {name}", costs[OURS], cost, unit)


if __name__ == "__main__":
    print_table(compare(quick=is_quick()))
