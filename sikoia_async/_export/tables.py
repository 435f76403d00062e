"""Models as tables: flat records, CSV, and the tables of pandas, polars and Arrow.

The columns come from the types of the fields, so that an empty list has all of them too.
"""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from importlib import import_module
from typing import Any, Final, cast

import attrs

from sikoia_async._errors import ArgumentError, ConfigurationError
from sikoia_async._export.dicts import MASK, Select, decimal_text, time_text, to_json
from sikoia_async._export.paths import Tree, known_paths, lists_in, nearest, object_in, tree_of
from sikoia_async._schema import shapes
from sikoia_async._schema.shapes import Shape, shape_of
from sikoia_async._schema.standard import Standard, standard_value

__all__ = ["Table", "table_of"]


@attrs.frozen
class Column:
    """One field of the models, at any depth."""

    steps: tuple[str, ...]
    type: Any
    """The type of its values: a scalar, or `_JSON` for what does not fit into one cell."""
    is_personal: bool

    @property
    def name(self) -> str:
        """Its name, such as `amount.currency`."""
        return ".".join(self.steps)

    def value(self, row: Any, *, masked: bool) -> Any:
        """Return the value of a row, or None."""
        for step in self.steps:
            row = getattr(row, step, None)
            if row is None:
                return None
        if masked and self.is_personal:
            return MASK
        if self.type is _JSON:
            return to_json(row, None, masked=masked, only=None, exclude=None)
        return row


@attrs.frozen
class Table:
    """Columns and rows."""

    columns: tuple[Column, ...]
    rows: tuple[Any, ...]
    masked: bool

    def records(self) -> list[dict[str, Any]]:
        """Return a flat dict for each row."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, self._values(row), strict=True)) for row in self.rows]

    def _values(self, row: Any) -> list[Any]:
        return [column.value(row, masked=self.masked) for column in self.columns]

    def csv(self, *, escape_formulas: bool) -> str:
        """Return the table as CSV, as in RFC 4180."""
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([column.name for column in self.columns])
        for row in self.rows:
            writer.writerow([_cell(one, escape_formulas) for one in self._values(row)])
        return text.getvalue()

    def pandas(self) -> Any:
        """Return a DataFrame of pandas."""
        pandas = _library("pandas", "pandas")
        data = {
            column.name: pandas.Series(values, dtype=_PANDAS.get(kind, "object"))
            for column, kind, values in self._typed()
        }
        return pandas.DataFrame(data, index=pandas.RangeIndex(len(self.rows)))

    def polars(self) -> Any:
        """Return a DataFrame of polars."""
        polars = _library("polars", "polars")
        types = {
            str: polars.String,
            int: polars.Int64,
            float: polars.Float64,
            bool: polars.Boolean,
            Standard.date: polars.Date,
            Standard.datetime: polars.Datetime("us", "UTC"),
        }
        data: list[Any] = []
        for column, kind, values in self._typed(exact=True):
            is_decimal = isinstance(kind, int)
            type_ = polars.Decimal(_PRECISION, kind) if is_decimal else types[kind]
            data.append(polars.Series(column.name, values, dtype=type_, strict=True))
        return polars.DataFrame(data)

    def arrow(self) -> Any:
        """Return a Table of Arrow."""
        arrow = _library("pyarrow", "arrow")
        types = {
            str: arrow.string(),
            int: arrow.int64(),
            float: arrow.float64(),
            bool: arrow.bool_(),
            Standard.date: arrow.date32(),
            Standard.datetime: arrow.timestamp("us", tz="UTC"),
        }
        arrays: dict[str, Any] = {}
        for column, kind, values in self._typed(exact=True):
            is_decimal = isinstance(kind, int)
            type_ = arrow.decimal128(_PRECISION, kind) if is_decimal else types[kind]
            arrays[column.name] = arrow.array(values, type=type_)
        return arrow.table(arrays)

    def _typed(self, *, exact: bool = False) -> Iterator[tuple[Column, Any, list[Any]]]:
        """Yield columns with the types and values that libraries can hold.

        Args:
            exact: give the scale of Decimals as their type, or make them text if they have too
                many digits; otherwise they are what they are.
        """
        for column in self.columns:
            values = [column.value(row, masked=self.masked) for row in self.rows]
            is_masked = column.is_personal and self.masked
            kind = str if is_masked or column.type is _JSON else column.type
            if not all(map(_CHECKS[kind], values)):
                msg = f"{column.name}: a row has a value of another type than the field"
                raise ArgumentError(msg)
            if kind is int and any(abs(one or 0) >= _INT64 for one in values):
                kind, values = str, [one if one is None else str(one) for one in values]
            elif kind is Standard.datetime:
                values = [one and standard_value(one).astimezone(UTC) for one in values]
            elif kind is Decimal and exact:
                kind = _scale(values)
                form = str if kind is str else _plain_decimal
                values = [one if one is None else form(one) for one in values]
            yield column, kind, values


def table_of(
    value: Any, kind: Any, of: str | None, *, masked: bool, only: Select, exclude: Select
) -> Table:
    """Return the table of a list, or of a list in a model.

    Args:
        value: the list or the model.
        kind: the type of the list, or None if it is not known.
        of: the path of the list in the model; None for its only one.
        masked: replace personal data by `***`.
        only: the columns to include.
        exclude: the columns to leave out.

    Raises:
        ArgumentError: there is not such a list or column; or the items are not models.
    """
    if issubclass(value.__class__, tuple):
        rows: tuple[Any, ...] = value
        if of is not None:
            msg = "of: a list is one table; leave it out"
            raise ArgumentError(msg)
        kinds = [shape_of(one) for one in dict.fromkeys(map(type, rows))]
        shape = None if kind is None else object_in(shape_of(kind))
        found = [shape] if isinstance(shape, shapes.Object) else kinds
    else:
        path = _default_list(value) if of is None else of
        shape = _list_at(shape_of(value.__class__), path)
        rows, found = tuple(_at(value, path.split("."))), [shape]
    columns = dict[str, Column]()
    for one in found:
        if not isinstance(one, shapes.Object):
            msg = "the items of this list are not models, so they have no columns"
            raise ArgumentError(msg)
        columns |= {column.name: column for column in _columns(one)}
    checked = found[0] if len(found) == 1 else None
    included, excluded = tree_of("only", only, checked), tree_of("exclude", exclude, checked)
    wanted = [one for one in columns.values() if _is_wanted(one, included, excluded)]
    return Table(tuple(wanted), rows, masked)


def _default_list(model: Any) -> str:
    lists = list(lists_in(model.__class__))
    chosen = [name for name in lists if name != _SOURCES] or lists
    if len(chosen) == 1:
        return chosen[0]
    name = model.__class__.__name__
    if not chosen:
        paths = [path for path, _ in _lists(shape_of(model.__class__))]
        lists = [one for one in paths if not any(one.startswith(f"{other}.") for other in paths)]
        if not lists:
            msg = f"{name} has no list of models; to_dict() exports it"
            raise ArgumentError(msg)
    msg = f"of: choose one of the lists of {name}: {', '.join(map(repr, lists))}"
    raise ArgumentError(msg)


def _list_at(shape: Shape, path: str) -> shapes.Object:
    """Return what is in the list that a path leads to."""
    paths = dict(_lists(shape))
    if path in paths:
        return paths[path]
    hint = nearest(path, list(paths))
    msg = f"of: expected the path of a list of models{hint}"
    raise ArgumentError(msg)


def _lists(shape: Shape) -> Iterator[tuple[str, shapes.Object]]:
    for path in known_paths(shape):
        found: Shape = shape
        for step in path.split("."):
            fields = cast("shapes.Object", object_in(found)).fields
            found = next(field.shape for field in fields if field.name == step)
        option = shapes.options(found)[0]
        if isinstance(option, shapes.ListOf) and isinstance(option.item, shapes.Object):
            yield path, option.item


def _at(value: Any, steps: Sequence[str]) -> Iterator[Any]:
    """Yield the items of all lists that a path leads to."""
    if isinstance(value, list | tuple):
        for item in cast("Sequence[Any]", value):
            yield from _at(item, steps)
    elif value is not None:
        yield from _at(getattr(value, steps[0]), steps[1:]) if steps else (value,)


def _columns(
    shape: shapes.Object,
    above: tuple[str, ...] = (),
    inside: tuple[Shape, ...] = (),
    *,
    is_personal: bool = False,
) -> Iterator[Column]:
    for field in shape.fields:
        steps, hidden = (*above, field.name), is_personal or field.is_personal
        options = shapes.options(field.shape)
        one = options[0]
        if isinstance(one, shapes.Object) and one not in (shape, *inside):
            yield from _columns(one, steps, (shape, *inside), is_personal=hidden)
        elif len(options) == 1 and isinstance(one, shapes.Scalar | shapes.OpenEnum):
            yield Column(steps, one.type if isinstance(one, shapes.Scalar) else str, hidden)
        else:
            yield Column(steps, _JSON, hidden)


def _is_wanted(column: Column, only: Tree | None, exclude: Tree | None) -> bool:
    return (only is None or _is_in(column, only)) and not (exclude and _is_in(column, exclude))


def _is_in(column: Column, tree: Tree) -> bool:
    inner: Tree | None = tree
    for step in column.steps:
        if inner is None:
            break
        if step not in inner:
            return False
        inner = inner[step]
    return inner is None


def _cell(value: Any, escape_formulas: bool) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return _text(value)
    is_formula = escape_formulas and value.startswith(_FORMULAS)
    return f"'{value}" if is_formula else str.__str__(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    for kind, text in _TEXTS.items():
        if isinstance(value, kind):
            return text(value)
    return str(value)


def _scale(decimals: list[Decimal | None]) -> Any:
    """Return the scale that all Decimals fit with, or `str` if they have too many digits."""
    whole, scale = 0, _LEAST_SCALE
    for one in decimals:
        if one is not None:
            _, digits, exponent = one.as_tuple()
            scale = max(scale, -cast("int", exponent))
            whole = max(whole, len(digits) + cast("int", exponent))
    return scale if whole + scale <= _PRECISION else str


def _plain_decimal(value: Decimal) -> Decimal:
    """Return a Decimal without a positive exponent."""
    return Decimal(f"{value:f}")


def _is_a(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: value is None or isinstance(value, kinds)


def _is_decimal(value: Any) -> bool:
    return value is None or (isinstance(value, Decimal) and value.is_finite())


def _is_moment(value: Any) -> bool:
    return value is None or (isinstance(value, Standard.datetime) and value.utcoffset() is not None)


def _library(module: str, extra: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        msg = f"{module} is not installed: pip install 'sikoia-async[{extra}]'"
    raise ConfigurationError(msg)


_JSON: Final = object()
_SOURCES: Final = "data_sources"
"""Lists where the data comes from. It is not what a report is about."""
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a cell begins with that spreadsheets run as a formula; the last four are fullwidth."""
_INT64: Final = 2**63
_PRECISION: Final = 38
"""The digits that a decimal of polars and Arrow has at most."""
_LEAST_SCALE: Final = 2
_PANDAS: Final[Mapping[Any, str]] = {
    str: "string",
    int: "Int64",
    float: "Float64",
    bool: "boolean",
    Standard.datetime: "datetime64[us, UTC]",
}
_TEXTS: Final[Mapping[Any, Callable[[Any], str]]] = {
    Decimal: decimal_text,
    Standard.datetime: time_text,
    Standard.date: lambda day: str(day.isoformat()),
}
_CHECKS: Final[Mapping[Any, Callable[[Any], bool]]] = {
    str: _is_a(str),
    int: _is_a(int),
    float: _is_a(float, int),
    bool: _is_a(bool),
    Decimal: _is_decimal,
    Standard.date: _is_a(Standard.date),
    Standard.datetime: _is_moment,
}
