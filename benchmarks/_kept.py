"""The last run, which is kept in the repository: `last_run.json`, and `last_run.md` to read.

Ratios are against a peer in the same run, so those of two runs can be compared, even on different
machines. A ratio has changed if the quartiles of the two runs do not overlap.
"""

import datetime as dt
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import attrs
from _rows import Row, groups, ranked

__all__ = [
    "FOLDER",
    "Run",
    "change",
    "keep",
    "keyed",
    "last",
    "load",
    "page",
    "quartiles",
    "shown_ratio",
    "surroundings",
]

FOLDER: Final = Path(__file__).parent
"""Where it is kept."""
_HEAD: Final = (
    "command",
    "measurement | peer",
    "ours",
    "peer",
    "ratio",
    "quartiles",
    "target",
    "met",
)
_PEERS: Final = (
    "aiohttp",
    "anthropic",
    "cattrs",
    "httpx",
    "httpx2",
    "httpx-aiohttp",
    "limits",
    "msgspec",
    "openai",
    "openapi-python-client",
    "pydantic",
    "pyrate-limiter",
    "stripe",
    "throttled-py",
)
_BAR: Final = "\\|"
_TITLE: Final = """\
# The last run

What the scripts printed, written by `python benchmarks/run.py --keep`; do not edit.
[`README.md`](README.md) says what they measure. Other runs will differ.
"""


@attrs.frozen
class Run:
    """The last run of one script."""

    on: str
    """Date, processors, Python and system."""
    seconds: int
    peers: str
    """The versions of those that are installed."""
    rows: Sequence[Row]


def load(folder: Path = FOLDER) -> dict[str, Run]:
    """Return the run that is kept of each script."""
    file = folder / "last_run.json"
    kept: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    return {
        name: Run(run["on"], run["seconds"], run["peers"], list(map(_row, run["rows"])))
        for name, run in kept.items()
    }


def keep(script: str, rows: Sequence[Row], seconds: float, folder: Path = FOLDER) -> None:
    """Keep this run of a script instead of the last one."""
    run = Run(surroundings(), round(seconds), _installed(), list(map(_rounded, rows)))
    runs = dict(sorted({**load(folder), script: run}.items()))
    written = {name: attrs.asdict(run) for name, run in runs.items()}
    text = json.dumps(written, ensure_ascii=False, indent=1)
    (folder / "last_run.json").write_text(f"{text}\n", "utf-8")
    (folder / "last_run.md").write_text(page(runs), "utf-8")


def last(script: str, kept: Mapping[str, Run]) -> dict[str, Row]:
    """Return the kept rows of a script, by key."""
    run = kept.get(script)
    return {} if run is None else dict(keyed(run.rows))


def keyed(rows: Sequence[Row]) -> Iterator[tuple[str, Row]]:
    """Yield each row with a key that no other has: what is measured, and in which group."""
    for group in groups(rows):
        for row in group:
            yield row.what if row is group[0] else f"{group[0].what}\n{row.what}", row


def change(now: Row, before: Row | None) -> str:
    """Return `better` or `worse` if the quartiles of a ratio do not overlap, `same` if they do.

    It is `-` where this cannot be said, because a run has too few rounds.
    """
    if before is None or now.better is None or now.quartiles is None or before.quartiles is None:
        return "-"
    is_less = now.quartiles[1] < before.quartiles[0]
    is_more = now.quartiles[0] > before.quartiles[1]
    if not is_less and not is_more:
        return "same"
    return "better" if is_less == (now.better == "less") else "worse"


def page(runs: Mapping[str, Run]) -> str:
    """Return the page of these runs, in Markdown: first the rows in which a peer wins."""
    split = {name: ranked(run.rows) for name, run in runs.items()}
    behind = {name: rows for name, (rows, _) in split.items()}
    others = {name: rows for name, (_, rows) in split.items()}
    about = [(f"`{name}.py`", run.on, f"{run.seconds} s") for name, run in runs.items()]
    versions = dict[str, list[str]]()
    for name, run in runs.items():
        versions.setdefault(run.peers, []).append(f"`{name}.py`")
    return "\n".join(
        [
            _TITLE,
            *_table("Where a peer wins, or a target is missed", _HEAD, _cells(behind)),
            *_table("Everything else", _HEAD, _cells(others)),
            *_table("On what", ["command", "on", "took"], about),
            *(f"Versions in {', '.join(names)}: {peers}.\n" for peers, names in versions.items()),
        ]
    )


def shown_ratio(row: Row | None) -> str:
    """Format the ratio."""
    return "-" if row is None or row.ratio is None else f"{row.ratio:.2f}"


def quartiles(row: Row) -> str:
    """Format the quartiles of the ratio."""
    return "-" if row.quartiles is None else f"{row.quartiles[0]:.2f} - {row.quartiles[1]:.2f}"


def _cells(rows: Mapping[str, Sequence[Row]]) -> Iterator[Sequence[str]]:
    for name, some in rows.items():
        for row in some:
            what = f"… {row.what.strip()}" if row.what.startswith("  ") else row.what
            ratio = (shown_ratio(row), quartiles(row))
            yield f"`{name}.py`", what, row.ours, row.peer, *ratio, row.target, row.met


def _table(title: str, head: Sequence[str], cells: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [head, ["---"] * len(head), *cells]
    if len(lines) > 2:
        yield f"## {title}\n"
        yield from (f"| {' | '.join(cell.replace('|', _BAR) for cell in line)} |" for line in lines)
        yield ""


def _row(kept: dict[str, Any]) -> Row:
    pair = kept["quartiles"]
    fields: dict[str, Any] = {**kept, "quartiles": pair and tuple(pair)}
    return Row(**fields)


def _rounded(row: Row) -> Row:
    ratio = None if row.ratio is None else round(row.ratio, 3)
    pair = row.quartiles and (round(row.quartiles[0], 3), round(row.quartiles[1], 3))
    return attrs.evolve(row, ratio=ratio, quartiles=pair)


def surroundings() -> str:
    """Return the date, the processors and their load, Python, and the system."""
    today = dt.datetime.now(dt.UTC).date()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    load = os.getloadavg()[1]
    return f"{today}, {os.cpu_count()} CPUs (load {load:.0f}), {python}, {platform.system()}"


def _installed() -> str:
    found = list[str]()
    for name in _PEERS:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
