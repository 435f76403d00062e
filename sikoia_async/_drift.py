"""Counts where the API's answers differ from what this SDK knows, so that you hear of it first.

Every answer that had to be repaired is looked at. Of those that decoded straight away only the
first of each type and then one in 64 are, for looking costs as much as decoding.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import Annotated, Any, Final, cast, get_args, get_origin, get_type_hints

from sikoia_async.models import Model

__all__ = ["Drift"]

_EVERY: Final = 64
_MOST_KINDS: Final = 1000
_DAY_LENGTH: Final = len("2024-01-31")


class Drift(Mapping[str, int]):
    """What was seen how often, such as `Case.colour: unknown field`. No value is kept."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._answers: dict[object, int] = {}

    def __getitem__(self, kind: str) -> int:
        return self._seen[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def __repr__(self) -> str:
        return f"Drift({self._seen})"

    def due(self, into: object) -> bool:
        """Count an answer of this type; tell whether it is one to look at."""
        answers = self._answers.get(into, 0)
        self._answers[into] = answers + 1
        return answers % _EVERY == 0

    def look(self, into: Any, value: Any) -> None:
        """Compare a plain value with the type that it is for."""
        self._compare(into, value, "$")

    def count(self, where: str, what: str) -> None:
        """Count one difference. The kinds are bounded, whatever an answer's field names are."""
        kind = f"{where}: {what}"
        if kind in self._seen or len(self._seen) < _MOST_KINDS:
            self._seen[kind] = self._seen.get(kind, 0) + 1

    def _compare(self, wanted: Any, value: Any, where: str) -> None:
        if value is None:
            return
        if NoneType in get_args(wanted):
            wanted = next(one for one in get_args(wanted) if one is not NoneType)
            if value == "" and wanted is not str and get_origin(wanted) is not Annotated:
                self.count(where, "empty text for no value")
                return
        if isinstance(wanted, type) and issubclass(wanted, Model):
            self._compare_model(wanted, cast("dict[str, Any]", value))
        elif get_origin(wanted) is tuple:
            self._compare_list(get_args(wanted)[0], value, where)
        else:
            self._compare_scalar(wanted, value, where)

    def _compare_model(self, wanted: type[Model], value: dict[str, Any]) -> None:
        types = get_type_hints(wanted, include_extras=True)
        for name, entry in value.items():
            where = f"{wanted.__name__}.{_shown(name)}"
            if name in types:
                self._compare(types[name], entry, where)
            else:
                self.count(where, "unknown field")

    def _compare_list(self, wanted: Any, value: Any, where: str) -> None:
        if isinstance(value, str):
            self.count(where, "text for a list")
            return
        for entry in cast("list[Any]", value):
            self._compare(wanted, entry, f"{where}[]")

    def _compare_scalar(self, wanted: Any, value: Any, where: str) -> None:
        known = get_args(get_args(wanted)[1]) if get_origin(wanted) is Annotated else ()
        if known and value not in known:
            self.count(where, "unknown value")
        elif wanted in {date, datetime} and isinstance(value, str):
            if (len(value) == _DAY_LENGTH) is (wanted is datetime):
                self.count(where, f"another form than that of a {wanted.__name__}")
        elif wanted in _KINDS and not isinstance(value, _KINDS[wanted]):
            kind = "text" if isinstance(value, str) else "another value"
            self.count(where, f"{kind} for {wanted.__name__}")


_KINDS: Final[dict[Any, tuple[type, ...]]] = {
    str: (str,),
    int: (int,),
    float: (int, Decimal),
    Decimal: (int, Decimal, str),  # the API sends money both ways, by its own specification
    bool: (bool,),
    datetime: (str,),
    date: (str,),
}
_SANE_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _shown(name: str) -> str:
    return name if _SANE_NAME.fullmatch(name) else "(a name that is not shown)"
