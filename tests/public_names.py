"""The public names of the package: `python tests/public_names.py` rewrites the generated lists.

Names load lazily from a table in `sikoia_async/__init__.py`. Type checkers and editors cannot read
that table: they need imports and a literal `__all__`, which are generated from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

import sikoia_async

SOURCE: Final = Path(sikoia_async.__file__)
START: Final = "# Generated from the table below by tests/public_names.py: do not edit.\n"
END: Final = "# End of the generated part.\n"
_WIDTH: Final = 100


def generated(table: Mapping[str, Sequence[str]]) -> str:
    """Return the imports and `__all__` of a table, in the format of ruff."""
    names = ["__version__", *(name for names in table.values() for name in names)]
    return "".join(
        [
            "if TYPE_CHECKING:\n",
            *(_import(module, table[module]) for module in sorted(table)),
            "\n__all__ = [\n",
            *(f'    "{name}",\n' for name in _sorted(names)),
            "]\n",
        ]
    )


def table() -> Mapping[str, Sequence[str]]:
    """Return the table of names by module that the package loads them from."""
    return cast("Mapping[str, Sequence[str]]", vars(sikoia_async)["_LAZY"])


def current() -> str:
    """Return the generated part of the source as it is now."""
    return SOURCE.read_text("utf-8").partition(START)[2].partition(END)[0]


def _import(module: str, names: Sequence[str]) -> str:
    line = f"    from {module} import {', '.join(_sorted(names))}\n"
    return line if len(line) <= _WIDTH + 1 else "".join(_parenthesised(module, names))


def _parenthesised(module: str, names: Sequence[str]) -> Iterator[str]:
    yield f"    from {module} import (\n"
    yield from (f"        {name},\n" for name in _sorted(names))
    yield "    )\n"


def _sorted(names: Sequence[str]) -> list[str]:
    """Sort constants first, then classes, then functions, as ruff does."""
    return sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))


def main() -> None:
    """Rewrite the generated part."""
    before, _, rest = SOURCE.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    SOURCE.write_text(f"{before}{START}{generated(table())}{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
