"""Where the tables and the keys of a TOML text stand, which `tomllib` does not tell.

A statement is the shortest run of lines that can be read alone: whatever is still open, be it a
text of several lines or a list, cannot be. So nothing here knows how texts and comments are
written.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeGuard

__all__ = ["Places", "UnreadableError", "read"]

_AT = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class UnreadableError(ValueError):
    """A text is no TOML.

    Args:
        line: The line, from 1.
        reason: What is wrong there.
    """

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


def read(text: str) -> dict[str, Any]:
    """Read a TOML text.

    Raises:
        UnreadableError: It is none.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        said = "Nested too deeply"
    except ValueError as exc:
        said = str(exc)
    at = _AT.search(said)
    # What is never closed is told at its beginning, and not at the end of the text.
    line = int(at[1]) if at and at[1] else _last_begun(text)
    raise UnreadableError(line, _AT.sub("", said))


class Places:
    """The lines of the tables in a text that can be read, and of the keys in them."""

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[str, int, str], int] = {}
        self._seen: Counter[str] = Counter()
        self._table = self._inner = ""
        for line, statement in _statements(text):
            for key, value in tomllib.loads(statement).items():
                self._note(line, statement, key, value)

    def line(self, table: str, index: int, key: str = "") -> int:
        """Tell the line of a key in a table of this name, and without such a key that of the table.

        Args:
            table: The name of the table, or of a key outside of all tables.
            index: How many of this name come before it.
            key: The key.
        """
        known = self._lines.get((table, index, key))
        return known or self._lines[table, index, ""]

    def _note(self, line: int, statement: str, key: str, value: Any) -> None:
        if statement.lstrip().startswith("["):
            self._begin(line, key, value)
        elif self._table:
            self._put(line, self._table, self._inner or key, self._index)
        else:
            for index in range(len(value) if _is_list(value) else 1):
                self._put(line, key, "", index)

    def _begin(self, line: int, name: str, value: Any) -> None:
        """Begin a table: `[[name]]`, `[name]`, or the `[name.inner]` of one that came before."""
        self._table, self._inner = name, ""
        if _is_list(value):
            self._seen[name] += 1
        else:
            self._inner = next(iter(value), "")
        self._put(line, name, "", self._index)
        self._put(line, name, self._inner, self._index)

    @property
    def _index(self) -> int:
        """How many tables of this name came before the one that is being read."""
        return max(self._seen[self._table] - 1, 0)

    def _put(self, line: int, name: str, key: str, index: int) -> None:
        self._lines.setdefault((name, index, key), line)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Part a text, and tell the line that each statement begins at."""
    lines = text.replace("\r\n", "\n").split("\n")
    start = 0
    for end in range(1, len(lines) + 1):
        statement = "\n".join(lines[start:end])
        if _is_whole(statement):
            yield start + 1, statement
            start = end


def _is_whole(statement: str) -> bool:
    try:
        tomllib.loads(statement)
    except (ValueError, RecursionError):
        return False
    return True


def _last_begun(text: str) -> int:
    """Tell where the last statement begins, which may be one that is never closed."""
    begun = after = 1
    for line, statement in _statements(text):
        begun = line if statement.strip() else begun
        after = line + statement.count("\n") + 1
    is_all_closed = after > text.count("\n") + 1
    return begun if is_all_closed else after
