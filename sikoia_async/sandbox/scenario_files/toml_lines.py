"""Line numbers for TOML, which `tomllib` reports for syntax errors only."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

__all__ = ["Lines", "TomlError", "parse"]

_LOCATION = re.compile(r" \(at (?:line (\d+), column \d+|(end of document))\)$")
_STRING = r"""\"(?:\\.|[^"\\\n])*"|'[^'\n]*'"""
# Comments and multi-line strings may contain lines that look like keys or tables.
_TOKEN = re.compile(
    r"#[^\n]*"
    r'|"{3}(?:\\.|[^\\])*?"{3,5}'
    r"|'{3}.*?'{3,5}"
    rf"""|(?P<unclosed>"{{3}}|'{{3}})|(?P<string>{_STRING})""",
    re.DOTALL,
)
_KEY = rf"(?:[\w-]+|{_STRING})"
_PATH = rf"[ \t]*{_KEY}(?:[ \t]*\.[ \t]*{_KEY})*[ \t]*"
_TABLE_OR_KEY = re.compile(
    rf"^[ \t]*(?:(?P<brackets>\[+)(?P<table>{_PATH})\]|(?P<key>{_PATH})=)", re.MULTILINE
)


class TomlError(ValueError):
    """The source is not valid TOML.

    Args:
        line: Where, counted from 1.
        reason: What is wrong there.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def parse(source: str) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        TomlError: The source is not valid TOML.
    """
    try:
        return tomllib.loads(source)
    except RecursionError:
        message = "Nested too deeply"
    except ValueError as exc:
        message = str(exc)
    raise TomlError(_line_of_problem(source, message), _LOCATION.sub("", message))


class Lines:
    """The lines of the tables and keys in valid TOML.

    Args:
        source: The TOML.
    """

    def __init__(self, source: str) -> None:
        self._lines: dict[tuple[str, int, str], int] = {}
        seen: Counter[str] = Counter()
        table: list[str] = []
        for line, brackets, path in _tables_and_keys(source):
            if brackets:
                table = path
                seen[path[0]] += brackets == "[["
            name, *keys = [*table, *path] if table and not brackets else path
            index = max(seen[name] - 1, 0)
            self._lines.setdefault((name, index, ""), line)
            if keys:
                self._lines.setdefault((name, index, keys[0]), line)

    def of(self, table: str, index: int, key: str = "") -> int:
        """Return the line of a key in a table, or that of the table if it has no such key.

        Args:
            table: The name of the table, or of a key outside of all tables.
            index: How many tables of this name come before it.
            key: The key.
        """
        places = ((table, index, key), (table, index, ""), (table, 0, ""))
        return next(self._lines[place] for place in places if place in self._lines)


def _tables_and_keys(source: str) -> Iterator[tuple[int, str, list[str]]]:
    """Return the line, the brackets and the dotted path of each table and key."""
    visible = _visible(source)
    for match in _TABLE_OR_KEY.finditer(visible):
        path = _path(match["table"] or match["key"])
        yield _line_at(visible, match.end()), match["brackets"] or "", path


def _visible(source: str) -> str:
    """Blank out comments and multi-line strings, keeping their line breaks."""
    return _TOKEN.sub(lambda token: token["string"] or "\n" * token[0].count("\n"), source)


def _path(key: str) -> list[str]:
    """Split a dotted key, whose parts may be quoted."""
    path: list[str] = []
    inner: Any = tomllib.loads(f"{key} = 0")
    while isinstance(inner, dict):
        name, inner = next(iter(cast("dict[str, Any]", inner).items()))
        path.append(name)
    return path


def _line_of_problem(source: str, message: str) -> int:
    location = _LOCATION.search(message)
    if location and location[1]:
        return int(location[1])
    if not location:
        # Too many digits or too deep: in practice, that is the longest line.
        lines = source.split("\n")
        return lines.index(max(lines, key=len)) + 1
    # Something is never closed: report where it begins instead of the end of the document.
    for token in _TOKEN.finditer(source):
        if token["unclosed"]:
            return _line_at(source, token.start())
    begun = [line for line, _, _ in _tables_and_keys(source)]
    return begun[-1] if begun else 1


def _line_at(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1
