"""How every benchmark here measures: contestants take turns in one run, and ratios are printed.

Machines are shared and noisy, and what runs at ten o'clock is not comparable with what ran at
nine. So contestants alternate, each round starting with another one; a ratio is taken within each
round, where the machine was much the same for both, and the median of the rounds is what counts.
"""

import argparse
import gc
import platform
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import attrs

__all__ = [
    "Costs",
    "Row",
    "Unit",
    "at_least",
    "at_most",
    "counted",
    "is_quick",
    "print_table",
    "race",
    "shown",
    "take_turns",
]

_FORMATS = {"s": (1e3, "ms"), "s/call": (1e6, "µs"), "bytes": (1 / 2**20, "MiB")}

Unit = Literal["s", "s/call", "bytes"]
Costs = Sequence[float]


@attrs.frozen
class Row:
    """One line of the table."""

    what: str
    ours: str
    peer: str
    ratio: float | None = None
    target: str = "-"
    met: str = "-"


def at_most(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare costs, one of each a round: ours over the peer's.

    Without a target, the row is there to inform.
    """
    ratio = statistics.median(our / their for our, their in zip(ours, peer, strict=True))
    goal = ("-", "-") if target is None else (f"≤ {target:g}", _yes(ratio <= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal)


def at_least(target: float | None, what: str, ours: Costs, peer: Costs, unit: Unit = "s") -> Row:
    """Compare speeds: how many times as fast as the peer ours is."""
    ratio = statistics.median(their / our for our, their in zip(ours, peer, strict=True))
    goal = ("-", "-") if target is None else (f"≥ {target:g}", _yes(ratio >= target))
    return Row(what, shown(ours, unit), shown(peer, unit), ratio, *goal)


def counted(what: str, ours: int, peer: int) -> Row:
    """Compare what can be counted, once and for all: ours over the peer's."""
    return Row(what, f"{ours:,}", f"{peer:,}", ours / peer if peer else None)


def take_turns(
    contestants: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Let each measure itself once a round, and return all that they measured."""
    names = list(contestants)
    costs: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        for name in _rotated(names, turn):
            gc.collect()  # nobody pays for another's garbage
            costs[name].append(contestants[name]())
    return costs


def race(turns: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let all take turns, after a round that is not counted: it loads what is loaded late."""
    take_turns(turns, 1)
    return take_turns(turns, rounds)


def is_quick() -> bool:
    """Read the command line: `--quick` is for seeing that a script works, not for its figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a few seconds; figures mean little")
    return bool(parser.parse_args().quick)


def print_table(rows: Sequence[Row]) -> None:
    """Print the rows, and what they were measured on."""
    head = ("what", "ours", "peer", "ratio", "target", "met")
    lines = [
        head,
        *((r.what, r.ours, r.peer, _ratio(r.ratio), r.target, r.met) for r in rows),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  ".join([line[0].ljust(widths[0]), *cells[1:]]), flush=True)
    print(f"\n{platform.python_implementation()} {platform.python_version()}, {platform.system()}")


def _rotated(names: Sequence[str], turn: int) -> Sequence[str]:
    start = turn % len(names)
    return [*names[start:], *names[:start]]


def shown(costs: Costs, unit: Unit = "s") -> str:
    """Write the median as people read it."""
    factor, name = _FORMATS[unit]
    return f"{statistics.median(costs) * factor:.1f} {name}"


def _ratio(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _yes(met: bool) -> str:
    return "yes" if met else "no"
