"""Tables on a terminal, with rich (the extra `cli`), through a pager if they are long."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

from sikoia_async.cli.kinds import is_list, is_object
from sikoia_async.cli.text import is_terminal, printable, to_json_text

try:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text
except ImportError as _exc:
    msg = "tables need an extra: pip install 'sikoia-async[cli]'; or use -o json"
    raise ImportError(msg) from _exc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["show"]

_WIDEST: Final = 40
"""Characters of a cell in a list."""


def show(plain: Any, console: Console | None = None) -> None:
    """Print a table: a row for each item of a list, or a row for each field of an object.

    Args:
        plain: JSON.
        console: where to print.
    """
    console = Console(highlight=False) if console is None else console
    if is_list(plain):
        rows = [dict(_cells(row)) for row in plain]
        table, left_out = _list(rows, console.width)
    else:
        table, left_out = _object(plain), 0
    with console.capture() as captured:
        console.print(table)
        if left_out:
            console.print(Text(f"{left_out} more columns: -o json", style="dim"))
    _page(captured.get(), console.height)


def _page(text: str, height: int) -> None:
    """Print a text, through the pager if it is longer than the terminal."""
    if not is_terminal() or not sys.stdin.isatty() or text.count("\n") < height:
        print(text, end="")
        return
    import pydoc  # noqa: PLC0415 - for long output only

    os.environ.setdefault("LESS", "-RX")
    pydoc.getpager()(text)


def _object(plain: Any) -> Table:
    table = Table("field", "value", box=None, show_header=False, padding=(0, 2, 0, 0))
    table.columns[0].overflow = "fold"  # the end of a long name tells fields apart
    for name, value in _fields(plain):
        table.add_row(Text(name, style="bold"), Text(_shown(value)))
    return table


def _list(rows: Sequence[dict[str, Any]], width: int) -> tuple[Table, int]:
    """Return a table with the columns that fit and have values, and how many do not fit."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    names = list(
        dict.fromkeys(
            name for row in rows for name, value in row.items() if value not in {None, ""}
        )
    )
    left = width
    shown = list[str]()
    for name in names:
        widest = max(len(name), *(min(_WIDEST, len(_shown(row.get(name)))) for row in rows))
        left -= widest + 2
        if left < 0 and shown:
            break
        shown.append(name)
        table.add_column(
            Text(printable(name)), no_wrap=True, overflow="ellipsis", max_width=_WIDEST
        )
    for row in rows:
        table.add_row(*(Text(_shown(row.get(name))) for name in shown))
    if not rows:
        table.add_column("none")
    return table, len(names) - len(shown)


def _cells(plain: Any, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the cells of an item; nested objects have dots in their names, lists are counted."""
    if not is_object(plain):
        yield above or "value", plain
        return
    for name, value in plain.items():
        path = f"{above}.{name}" if above else name
        if is_object(value):
            yield from _cells(value, path)
        elif is_list(value):
            are_plain = all(not isinstance(one, dict | list) for one in value)
            yield path, ", ".join(map(_shown, value)) if are_plain else f"({len(value)})"
        else:
            yield path, value


def _fields(plain: Any, above: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield all fields of an object, through nested objects and lists, without those of None.

    Lists of objects in lists are counted, as in a table of a list.
    """
    if is_object(plain):
        for name, value in plain.items():
            yield from _fields(value, f"{above}.{name}" if above else name, depth)
    elif is_list(plain) and depth and any(is_object(one) for one in plain):
        yield above, f"({len(plain)})"
    elif is_list(plain):
        for number, value in enumerate(plain):
            yield from _fields(value, f"{above}[{number}]", depth + 1)
    elif plain is not None:
        yield above, plain


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return printable(value if isinstance(value, str) else to_json_text(value)).replace("\n", " ")
