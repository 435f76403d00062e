"""Removes personal data from the values that go into a cassette.

It works with an allow list: fields that a model has and does not mark as personal are kept, except
for the names of companies, because a sole trader's is a person's. The value of a personal field is
replaced by a valid one of the same type, fields that no model has are dropped, and a value of the
wrong type is replaced by an empty one of the type that it has.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import httpx

from sikoia_async._calls.urls import is_on, target_of
from sikoia_async._codec.problems import problem_in
from sikoia_async._codec.redaction import redact
from sikoia_async._codec.scalars import READERS, REFUSALS
from sikoia_async._schema import shapes
from sikoia_async._schema.json import DecodeError, read_json
from sikoia_async._schema.shapes import Shape, options, shape_of
from sikoia_async._schema.standard import Standard
from sikoia_async.testing.cassettes.operations import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sikoia_async.testing.cassettes.operations import ApiOperation, Parameter
    from sikoia_async.testing.cassettes.pseudonyms import Pseudonyms

__all__ = ["AS_SENT", "ELSEWHERE", "LINKS", "Scrubber"]

LINKS: Final = "https://cassette.invalid/"
"""The start of the links in a cassette, which end in a number."""
AS_SENT: Final = "(as sent)"
"""Placeholder for the correlation id of the request, which is filled in on replay."""
ELSEWHERE: Final = "https://elsewhere.invalid/"
"""Placeholder for URLs outside the API."""

_HIDDEN: Final = "***"
_SECRET: Final = "a-secret-of-the-cassette"  # noqa: S105 - a placeholder
_EMAIL: Final = "nobody@cassette.invalid"
_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
_LINK_IN_TEXT: Final = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?"
)
_EMAIL_IN_TEXT: Final = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_LINK_FIELDS: Final = ("_uri", "_uris")
"""Suffixes of fields whose links lead to operations or to files."""
_PAGE_FIELDS: Final = frozenset({"next_page_url", "previous_page_url"})
_PATH_TYPES: Final = frozenset({"cases", "companies", "persons"})
_PLACEHOLDERS: Final[Mapping[Any, Any]] = {
    Standard.date: "1900-01-01",
    Standard.datetime: "1900-01-01T00:00:00Z",
    int: 1,
    float: 1,
    Decimal: 1,
    bool: False,
}


@attrs.define
class Scrubber:
    """Returns the parts of values that may go into a cassette."""

    ids: Pseudonyms
    origin: str = ""
    """The origin of the API. Only URLs there lead to other operations."""
    keeps_company_names: bool = False
    """Whether names of companies stay. Otherwise those in responses are numbered."""
    _companies: dict[str, str] = attrs.field(factory=dict[str, str])
    _links: dict[str, int] = attrs.field(factory=dict[str, int])

    def response(self, value: Any, into: Any) -> Any:
        """Return what is kept of the body of a response that is decoded into a type."""
        return self._value(value, shape_of(into), "", personal=False, numbered=True)

    def error(self, value: Any) -> Any:
        """Return what is kept of an error in Sikoia's format: its texts without values."""
        problem = problem_in(value)
        is_echoed = problem.pop("correlation_id") is not None
        texts = {name: redact(text) for name, text in problem.items() if text is not None}
        return texts | ({"correlation_id": AS_SENT} if is_echoed else {})

    def fields(self, values: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Any:
        """Return what is kept of the fields of a request."""
        return {
            name: self._value(
                values[name],
                one.shape,
                name,
                personal=one.is_personal or self._is_company_name(name),
                numbered=False,
            )
            for name, one in sorted(parameters.items())
            if name in values
        }

    def query(self, pairs: Mapping[str, str], operation: ApiOperation) -> dict[str, Any]:
        """Return what is kept of a query, in which several values are separated by commas."""
        values = {
            name: text.split(",") if "," in text else text for name, text in sorted(pairs.items())
        }
        kept: dict[str, Any] = self.fields(values, operation.parameters)
        return kept

    def path(self, ids: Mapping[str, str]) -> dict[str, str]:
        """Return what is kept of the values in a path."""
        return {
            name: one if one.lower() in _PATH_TYPES else self.ids.of(one) or _HIDDEN
            for name, one in ids.items()
        }

    def url(self, url: str) -> str:
        """Return a URL of the API, without its origin and with the parameters that are kept."""
        target = target_of(url, self.origin) or ""
        path, _, query = target.partition("?")
        match = find("GET", path)
        if match is None:
            return ELSEWHERE
        operation, ids = match
        kept = self.query(dict(httpx.QueryParams(query)), operation)
        written = httpx.QueryParams({name: _in_query(one) for name, one in kept.items()})
        return operation.path.format_map(self.path(ids)) + (f"?{written}" if kept else "")

    def link_number(self, link: str) -> str:
        """Return the number of a link from an earlier response, or 0 for any other link."""
        if link.startswith(LINKS):
            return link.removeprefix(LINKS)
        return str(self._links.get(_as_requested(link), 0))

    def _value(self, value: Any, shape: Shape, name: str, *, personal: bool, numbered: bool) -> Any:
        if value is None or value == "":
            return value
        possible = options(shape)
        if name in _PAGE_FIELDS and isinstance(value, str):
            return self.url(value)
        lists = [one for one in possible if isinstance(one, shapes.ListOf)]
        if isinstance(value, str) and len(lists) == len(possible):
            value = _parsed(value)
        if isinstance(value, list):
            rows = cast("Sequence[Any]", value if lists else [])
            return [
                self._value(one, lists[0].item, name, personal=personal, numbered=numbered)
                for one in rows
            ]
        if isinstance(value, dict):
            return self._object(value, possible, personal=personal, numbered=numbered)
        if personal or self._is_file_link(value, name):
            return self._replaced(value, possible, name, numbered=numbered)
        return self._kept(value, possible)

    def _is_file_link(self, value: Any, name: str) -> bool:
        """Return whether this is a link outside the API, which may contain a file's name."""
        if not name.endswith(_LINK_FIELDS) or not isinstance(value, str):
            return False
        return _LINK.match(value) is not None and not is_on(self.origin, value)

    def _object(
        self, values: Any, possible: Sequence[Shape], *, personal: bool, numbered: bool
    ) -> Any:
        shape = next((one for one in possible if isinstance(one, shapes.Object)), None)
        kept: dict[str, Any] = {}
        for field in () if shape is None else shape.fields:
            if field.name not in values:
                continue
            value = values[field.name]
            is_company = shape is not None and self._is_company_name(field.name, shape.type)
            if is_company and numbered and value and isinstance(value, str):
                kept[field.name] = self._company(value)
                continue
            is_personal = personal or field.is_personal or is_company
            kept[field.name] = self._value(
                value, field.shape, field.name, personal=is_personal, numbered=numbered
            )
        return kept

    def _is_company_name(self, field: str, model: type | None = None) -> bool:
        """Return whether a field holds the name of a company, and is to be replaced."""
        if self.keeps_company_names:
            return False
        is_company = model is not None and "Company" in model.__name__
        return field == "company_name" or (field == "name" and is_company)

    def _company(self, name: str) -> str:
        """Return the pseudonym of a company: numbered, because a hash of a name can be guessed."""
        return self._companies.setdefault(name.casefold(), f"Company {len(self._companies) + 1}")

    def _replaced(self, value: Any, possible: Sequence[Shape], name: str, *, numbered: bool) -> Any:
        for shape in possible:
            if shape.type in _PLACEHOLDERS and _is_readable(value, shape):
                return _PLACEHOLDERS[shape.type]
        if not isinstance(value, str):
            return _empty(value)
        if name == "shared_key":
            return _SECRET
        if _LINK.match(value):
            return LINKS + (self._number(value) if numbered else "0")
        return _EMAIL if "@" in value else self.ids.of(value) or _HIDDEN

    def _number(self, link: str) -> str:
        return str(self._links.setdefault(_as_requested(link), len(self._links) + 1))

    def _kept(self, value: Any, possible: Sequence[Shape]) -> Any:
        for shape in possible:
            if shape.type in _PLACEHOLDERS and _is_readable(value, shape):
                return value
            if _is_known(value, shape):
                return value
            if shape.type is str and isinstance(value, str):
                return self._text(value)
            if shape.type is str and type(value) in {int, Decimal}:
                return value
        return _empty(value)

    def _text(self, text: str) -> str:
        """Return a text without email addresses, and with only the host and path of links."""
        for name, pseudonym in self._companies.items():
            text = re.sub(rf"(?i)(?<!\w){re.escape(name)}(?!\w)", pseudonym, text)
        shown = _EMAIL_IN_TEXT.sub(_EMAIL, _LINK_IN_TEXT.sub(r"\1\2", text))
        if self.origin:
            here = rf"(?i){re.escape(self.origin)}(?![\w@:-]|\.\w)"
            shown = re.sub(here, LINKS.removesuffix("/"), shown)
        return self.ids.replace(shown)


def _as_requested(link: str) -> str:
    """Return a link in the form that a request for it has."""
    try:
        url = httpx.URL(link)
    except httpx.InvalidURL:
        return link
    return str(url.copy_with(raw_path=url.raw_path, fragment=None))


def _parsed(text: str) -> Any:
    """Return the JSON in a string, or the string."""
    try:
        return read_json(text.encode())
    except DecodeError:
        return text


def _is_known(value: Any, shape: Shape) -> bool:
    """Return whether this is one of the values of an enum, in upper or lower case."""
    if not isinstance(shape, shapes.OpenEnum | shapes.Choice) or not isinstance(value, str):
        return False
    return value.casefold() in {str(one).casefold() for one in shape.values}


def _is_readable(value: Any, shape: Shape) -> bool:
    try:
        READERS[shape.type](value)
    except REFUSALS:
        return False
    return True


def _in_query(value: Any) -> str:
    return ",".join(cast("list[str]", value)) if isinstance(value, list) else str(value)


_EMPTY: Final[tuple[tuple[type, Any], ...]] = (
    (str, _HIDDEN),
    (bool, False),
    (dict, {}),
    (list, []),
)


def _empty(value: Any) -> Any:
    """Return an empty value of the same JSON type."""
    return next((one for kind, one in _EMPTY if isinstance(value, kind)), 0)
