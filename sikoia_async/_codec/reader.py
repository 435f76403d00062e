"""Reads what msgspec refuses: part by part, so that one odd value costs only its own field.

What msgspec would take long for is read part by part too, so that the event loop runs in between.

Each part of a body goes to msgspec first. Only the parts that it refuses are taken apart further,
and cattrs structures a scalar that it refuses, if it has a form that the API is known to send. What
is left does not fit its type: an optional field is then None, and an item of a list is left out.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import GenericAlias
from typing import Any, Final, TypedDict, cast, get_origin

import attrs
import msgspec

from sikoia_async._codec import scalars
from sikoia_async._codec.converter import structure_hook
from sikoia_async._codec.soundness import sound_decoder
from sikoia_async._schema import json, shapes
from sikoia_async._schema.json import DecodeError, read_leniently
from sikoia_async._schema.shapes import Shape, shape_of

__all__ = ["Step", "Unread", "read_carefully"]

Step = str | int
"""A name or an index on the way to a value."""
Bytes = bytes | msgspec.Raw
"""The JSON of one value."""


class _Key(str):
    """A key of a mapping, which is not the name of a field."""

    __slots__ = ()


class _MisfitError(Exception):
    """A value does not fit its type."""


@attrs.frozen
class Unread:
    """A value that does not fit its type."""

    steps: tuple[Step, ...]
    shape: Shape
    body: Bytes

    @property
    def path(self) -> str:
        """Its path, such as `$.rules[2].date`."""
        return "$" + "".join(map(_spelt, self.steps))

    @property
    def value(self) -> Any:
        """The value as plain Python values."""
        value = read_leniently(self.body)
        return json.CONSTANTS.get(value, value) if isinstance(value, str) else value


@attrs.define
class _Findings:
    """What was found in one body."""

    unread: list[Unread] = attrs.Factory(list[Unread])
    counts: Counter[tuple[str, str]] = attrs.Factory(Counter[tuple[str, str]])
    """How often each kind of unread value was found, by location and description."""
    problems: list[str] = attrs.Factory(list[str])

    def add(self, steps: tuple[Step, ...], where: str, shape: Shape, body: Bytes) -> None:
        """Add an unread value."""
        self._add(Unread(steps, shape, body), where, "unreadable")

    def add_single(self, steps: tuple[Step, ...], where: str, shape: Shape, body: Bytes) -> None:
        """Add a value that was read as the only item of a list."""
        self._add(Unread(steps, shape, body), where, "expected a list, got a single value")

    def _add(self, unread: Unread, where: str, description: str) -> None:
        self.counts[where, description] += 1
        if len(self.unread) < _MAX_UNREAD:
            self.unread.append(unread)

    def refuse(self, what: str, steps: tuple[Step, ...]) -> None:
        """Add a problem for which the body is refused."""
        self.problems.append(f"{what} @ {Unread(steps, _ANY, b'').path}")


Read = Callable[[Bytes, tuple[Step, ...], str, _Findings], Any]
"""Takes JSON, the steps to it and its location for drift; raises `_MisfitError`."""
Rows = list[msgspec.Raw]
ReadRows = Callable[[Rows, tuple[Step, ...], str, _Findings], Any]
"""Takes the items of a list, and otherwise the same."""


def read_carefully(body: bytes, into: Any) -> tuple[Any, list[Unread], Counter[tuple[str, str]]]:
    """Read a body that msgspec refuses.

    Args:
        body: the body.
        into: the type to read it into.

    Returns:
        The value; what does not fit, which is not in the value; and how often each kind of that
        was found, by location and description.

    Raises:
        DecodeError: the body does not fit. It names the paths that do not, at most 100.
    """
    shape, findings, value = shape_of(into), _Findings(), None
    try:
        value = _read_whole(shape, body, findings)
    except _MisfitError:
        findings.refuse(_expected(shape), ())
    if not (findings.problems or _is_nothing(value, findings)):
        return value, findings.unread, findings.counts
    problems = [f"{_expected(one.shape)} @ {one.path}" for one in findings.unread[:_MAX_PROBLEMS]]
    raise DecodeError(*[*findings.problems, *problems][:_MAX_PROBLEMS])


def _read_whole(shape: Shape, body: bytes, findings: _Findings) -> Any:
    """Read a body. The lists in its fields are split in the same pass as the body itself."""
    try:
        match shape:
            case shapes.Object():
                entries = json.split(body, _splitter(shape))
                return _read_entries(shape, entries, (), findings)
            case shapes.ListOf():
                return _read_rows(shape)(json.split(body, _split_list), (), "$", findings)
            case _:
                pass
    except msgspec.ValidationError:
        pass  # it is something else, or one of its lists is
    return _careful(shape)(json.mended(body), (), "$", findings)


@cache
def _splitter(shape: shapes.Object) -> Callable[[Bytes], Mapping[str, msgspec.Raw | Rows]]:
    """Return the function that splits an object, and the lists in its fields."""
    entries: Any = TypedDict  # made of fields that are not known here
    parts = {
        name: msgspec.Raw if field.read_rows is None else Rows
        for name, field in _fields(shape).items()
    }
    return json.decoder(entries("_Entries", parts, total=False))


def _is_nothing(value: Any, findings: _Findings) -> bool:
    """Return whether a value is a list whose items are all unread."""
    return isinstance(value, list | tuple) and not value and bool(findings.unread)


def _spelt(step: Step) -> str:
    if isinstance(step, _Key):
        return f"[{str(step)!r}]"
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _expected(shape: Shape) -> str:
    return f"expected {_name(shape)}"


def _name(shape: Shape) -> str:
    """Return the name of a shape for error messages."""
    match shape:
        case shapes.OpenEnum():
            return "str"
        case shapes.Optional():
            return _name(shape.inner)
        case shapes.OneOf():
            return " or ".join(map(_name, shape.alternatives))
        case shapes.ListOf():
            return "list"
        case _:
            return getattr(shape.type, "__name__", "another type")


@cache
def _reader(shape: Shape) -> Read:
    """Return the function that reads a value of this shape: msgspec, then `_careful`."""
    careful, quick = _careful(shape), _quick(shape)
    if quick is None:
        return careful
    is_object = isinstance(shapes.options(shape)[0], shapes.Object)

    def read(body: Bytes, steps: tuple[Step, ...], where: str, findings: _Findings) -> Any:
        if is_object and len(body) > _LARGEST_PART:
            return careful(body, steps, where, findings)
        try:
            return quick(body)
        except json.REFUSALS:
            return careful(body, steps, where, findings)

    return read


@cache
def _quick(shape: Shape) -> Callable[[Bytes], Any] | None:
    """Return the function that reads a value of this shape quickly, or raises `REFUSALS`.

    There is none for lists and for models that contain themselves, because nearly all of the body
    would be decoded once for each level.
    """
    if shapes.contains_itself(shape) or isinstance(shapes.options(shape)[0], shapes.ListOf):
        return None
    return sound_decoder(shape)


@cache
def _careful(shape: Shape) -> Read:
    """Return the function that reads a value of this shape which msgspec refuses."""
    match shape:
        case shapes.Scalar() | shapes.OpenEnum():
            return _scalar(shape.type if shape.type in scalars.READERS else str)
        case shapes.Optional():
            return _optional(shape.inner)
        case shapes.Object():
            return _object(shape)
        case shapes.ListOf():
            return _list(shape)
        case shapes.Other() if get_origin(shape.type) in _MAPPINGS:
            return _mapping(shape)
        case _:
            return _json if isinstance(shape, shapes.AnyJson) else _any(shape.type)


def _scalar(kind: Any) -> Read:
    structure = structure_hook(kind)

    def read(body: Bytes, *_: object) -> Any:
        try:
            return structure(read_leniently(body), kind)
        except scalars.REFUSALS:
            raise _MisfitError from None

    return read


def _optional(inner: Shape) -> Read:
    read_inner = _careful(inner)
    is_string = inner.type is str or isinstance(inner, shapes.OpenEnum)

    def read(body: Bytes, steps: tuple[Step, ...], where: str, findings: _Findings) -> Any:
        start = bytes(memoryview(body)[:5])
        if start == b"null" or (start == b'""' and not is_string):
            return None
        return read_inner(body, steps, where, findings)

    return read


@attrs.frozen
class _Field:
    """How to read a field of an object."""

    argument: str
    """Its name in the constructor."""
    shape: Shape
    read: Read
    read_rows: ReadRows | None
    """How to read the items of a list that is split already. None for other fields."""
    where: str
    is_needed: bool
    """Whether the model requires it."""
    default: Any
    """What an unread value is replaced by; `NOTHING` if the body is then refused."""


@cache
def _fields(shape: shapes.Object) -> Mapping[str, _Field]:
    attributes = {field.name: field for field in attrs.fields(shape.type) if field.init}
    return {
        field.name: _Field(
            attributes[field.name].alias or field.name,
            field.shape,
            _reader(field.shape),
            _rows_reader(field.shape),
            f"{shape.name}.{field.name}",
            attributes[field.name].default is attrs.NOTHING,
            _default(field.shape, attributes[field.name].default),
        )
        for field in shape.fields
        if field.name in attributes
    }


def _rows_reader(shape: Shape) -> ReadRows | None:
    match shape:
        case shapes.Optional(_, shapes.ListOf() as inner):
            return _read_rows(inner)
        case shapes.ListOf():
            return _read_rows(shape)
        case _:
            return None


def _default(shape: Shape, default: Any) -> Any:
    if isinstance(shape, shapes.Optional):
        return None
    return default if isinstance(shape, shapes.ListOf) and default == () else attrs.NOTHING


def _object(shape: shapes.Object) -> Read:
    return lambda body, steps, _, findings: _read_entries(shape, _entries(body), steps, findings)


def _read_entries(
    shape: shapes.Object,
    entries: Mapping[str, msgspec.Raw | Rows],
    steps: tuple[Step, ...],
    findings: _Findings,
) -> Any:
    arguments, is_whole = dict[str, Any](), True
    for name, field in _fields(shape).items():  # looked up late: a model may contain itself
        entry, path = entries.get(name), (*steps, name)
        if entry is None:
            if field.is_needed:
                findings.refuse("required, and missing", path)
                is_whole = False
            continue
        if isinstance(entry, list):
            read_rows = cast("ReadRows", field.read_rows)
            arguments[field.argument] = read_rows(entry, path, field.where, findings)
            continue
        if field.default == () and bytes(entry) in (b"null", b'""'):
            continue  # a list that is never None: the default of the class
        try:
            arguments[field.argument] = field.read(entry, path, field.where, findings)
        except _MisfitError:
            if field.default is attrs.NOTHING:
                findings.refuse(_expected(field.shape), path)
                is_whole = False
            else:
                findings.add(path, field.where, field.shape, entry)
                arguments[field.argument] = field.default
    return _made(shape, arguments) if is_whole else None


def _made(shape: shapes.Object, arguments: dict[str, Any]) -> Any:
    try:
        return shape.type(**arguments)
    except Exception:  # noqa: BLE001 - raised by the class, which may be a caller's
        raise _MisfitError from None


def _entries(body: Bytes) -> Mapping[str, msgspec.Raw]:
    try:
        return _split_object(body)
    except json.REFUSALS:
        readable = bytes(body).decode(errors="replace").encode()
    try:
        return _split_object(readable)  # a name may have bytes that are not UTF-8
    except json.REFUSALS:
        raise _MisfitError from None


def _list(shape: shapes.ListOf) -> Read:
    read_rows = _read_rows(shape)

    def read(body: Bytes, steps: tuple[Step, ...], where: str, findings: _Findings) -> Any:
        rows = _rows(body)
        if rows is not None:
            return read_rows(rows, steps, where, findings)
        item = _single(shape.item, body, steps, where, findings)
        findings.add_single(steps, where, shape, body)
        return _maker(shape)((item,))

    return read


def _read_rows(shape: shapes.ListOf) -> ReadRows:
    is_optional = isinstance(shape.item, shapes.Optional)

    def read(rows: Rows, steps: tuple[Step, ...], where: str, findings: _Findings) -> Any:
        items, read_item = list[Any](), _reader(shape.item)
        for index, row in _skipping_fitting(shape.item, rows, items):
            path = (*steps, index)
            try:
                items.append(read_item(row, path, where, findings))
            except _MisfitError:
                findings.add(path, where, shape.item, row)
                if is_optional:
                    items.append(None)
            if len(findings.problems) >= _MAX_PROBLEMS or (
                not steps and not items and index >= _MAX_PROBLEMS
            ):
                break  # the body is refused
        return _maker(shape)(items)

    return read


def _maker(shape: shapes.ListOf) -> Callable[[Iterable[Any]], Any]:
    return list if get_origin(shape.type) is list else tuple


def _skipping_fitting(
    item: Shape, rows: list[msgspec.Raw], items: list[Any]
) -> Iterator[tuple[int, msgspec.Raw]]:
    """Append the items of all chunks that msgspec reads, and yield the rows of the others."""
    decode = _chunk_decoder(item)
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        if decode is not None and sum(map(len, chunk)) <= _LARGEST_PART:
            try:
                items += decode(b"[%b]" % b",".join(chunk))
                continue
            except json.REFUSALS:
                pass
        yield from enumerate(chunk, start)


@cache
def _chunk_decoder(item: Shape) -> Callable[[Bytes], Any] | None:
    """Return the function that reads a list of several items, unless each is read on its own."""
    if _quick(item) is None:
        return None
    return sound_decoder(shape_of(GenericAlias(tuple, (item.type, ...))))


def _rows(body: Bytes) -> list[msgspec.Raw] | None:
    """Return the items of a list, or of a string that contains the JSON of one."""
    try:
        return _split_list(body)
    except json.REFUSALS:
        pass
    try:
        return _split_list(json.mended(_decode_string(body).encode()))
    except (*json.REFUSALS, DecodeError):
        return None


def _single(
    item: Shape, body: Bytes, steps: tuple[Step, ...], where: str, findings: _Findings
) -> Any:
    """Read a value that should be a list of values."""
    if isinstance(item, shapes.Object) and not _entries(body).keys() & _fields(item).keys():
        raise _MisfitError
    return _reader(item)(body, steps, where, findings)


def _mapping(shape: shapes.Other) -> Read:
    """Read a caller's mapping. A value that does not fit is refused: no model says what it is."""

    def read(body: Bytes, steps: tuple[Step, ...], where: str, findings: _Findings) -> Any:
        item, values = shape.arguments[-1], dict[str, Any]()
        for key, entry in _entries(body).items():
            path = (*steps, _Key(key))
            try:
                values[key] = _reader(item)(entry, path, where, findings)
            except _MisfitError:
                findings.refuse(_expected(item), path)
        return values

    return read


def _json(body: Bytes, *_: object) -> Any:
    try:
        return json.read_patiently(body)
    except DecodeError:
        return read_leniently(body)


def _any(wanted: Any) -> Read:
    def read(body: Bytes, *_: object) -> Any:
        try:
            return json.convert(read_leniently(body), wanted)
        except (*json.REFUSALS, ValueError):
            raise _MisfitError from None

    return read


_CHUNK: Final = 64
"""Items that are decoded at a time."""
_LARGEST_PART: Final = 64 * 1024
"""Bytes that msgspec decodes at a time. No other thread runs meanwhile."""
_MAX_PROBLEMS: Final = 100
_MAX_UNREAD: Final = 100_000
_ANY: Final = shape_of(Any)
_MAPPINGS: Final = (dict, Mapping)
_split_object: Final[Callable[[Bytes], dict[str, msgspec.Raw]]] = json.decoder(
    dict[str, msgspec.Raw]
)
_split_list: Final[Callable[[Bytes], list[msgspec.Raw]]] = json.decoder(list[msgspec.Raw])
_decode_string: Final = json.decoder(str)
