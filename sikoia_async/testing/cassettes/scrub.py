"""What of a value goes into a cassette: what a model knows, and does not mark as personal.

It is a list of what may stay. In place of what a model marks stands something of the same type,
which can be read again; what no model knows is dropped; what is of another type than its model says
becomes nothing of that other type.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast, get_args, get_origin

import attrs
import httpx

from sikoia_async._calls.urls import target_on
from sikoia_async._codec.converter import converter
from sikoia_async._codec.json import DecodeError, read_json
from sikoia_async._codec.redaction import redact
from sikoia_async.models import field_types
from sikoia_async.testing.cassettes.operations import alternatives, find

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async.testing.cassettes.ids import Pseudonyms
    from sikoia_async.testing.cassettes.operations import Known, Parameter

__all__ = ["AS_SENT", "ELSEWHERE", "LINKS", "Scrubber"]

LINKS: Final = "https://cassette.invalid/"
"""What the links in a cassette begin with; a number follows."""
AS_SENT: Final = "(as sent)"
"""Stands for the correlation id of the request: replayed answers come back with it."""
ELSEWHERE: Final = "https://elsewhere.invalid/"
"""Stands for addresses that lead away from the API."""

_HIDDEN: Final = "***"
_AS_LONG_AS_A_KEY: Final = "a-secret-of-the-cassette"
_EMAIL: Final = "nobody@cassette.invalid"
_LINK: Final = re.compile(r"https?://", re.IGNORECASE)
_LINK_IN_TEXT: Final = re.compile(
    r"(?i)\b([a-z][a-z0-9+.-]{0,20}://)(?:[^\s/?#]*@)?([^\s?#]*)(?:[?#]\S*)?"
)
_EMAIL_IN_TEXT: Final = re.compile(r"[\w.+%'-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_OF_FILES: Final = ("_uri", "_uris")
"""What fields are called whose links lead to operations or to files."""
_ONWARD: Final = frozenset({"next_page_url", "previous_page_url"})
_IN_PATHS: Final = frozenset({"cases", "companies", "persons"})
_OF_TYPE: Final[dict[Any, Any]] = {
    date: "1900-01-01",
    datetime: "1900-01-01T00:00:00Z",
    int: 1,
    float: 1,
    Decimal: 1,
    bool: False,
}


@attrs.define
class Scrubber:
    """Leaves in values what may go into a cassette."""

    ids: Pseudonyms
    origin: str = ""
    """Of the API that answers: only there addresses lead on."""
    _links: dict[str, int] = attrs.field(factory=dict[str, int])

    def answer(self, value: Any, into: Any) -> Any:
        """Return what may stay of an answer that becomes `into`."""
        return self._value(value, into, "", personal=False, numbered=True)

    def error(self, value: Any) -> Any:
        """Return what may stay of an error in Sikoia's format: its words, and not its values."""
        if not isinstance(value, dict):
            return {}
        said = cast("dict[str, Any]", value)
        texts = {
            name: redact(text)
            for name in ("type", "title", "detail", "details")
            if isinstance(text := said.get(name), str)
        }
        echoed = {"correlation_id": AS_SENT} if isinstance(said.get("correlation_id"), str) else {}
        return texts | echoed

    def fields(self, values: Mapping[str, Any], parameters: Mapping[str, Parameter]) -> Any:
        """Return what may stay of a request's fields."""
        return {
            name: self._value(values[name], one.type, name, personal=one.personal, numbered=False)
            for name, one in sorted(parameters.items())
            if name in values
        }

    def query(self, pairs: Mapping[str, str], known: Known) -> dict[str, Any]:
        """Return what may stay of a query; several values stand comma-separated in one."""
        values = {
            name: text.split(",") if "," in text else text for name, text in sorted(pairs.items())
        }
        found: dict[str, Any] = self.fields(values, known.parameters)
        return found

    def path(self, named: Mapping[str, str]) -> dict[str, str]:
        """Return what may stay of what a path names."""
        return {
            name: one if one.lower() in _IN_PATHS else self.ids.whole(one) or _HIDDEN
            for name, one in named.items()
        }

    def address(self, address: str) -> str:
        """Return an address of the API, without its origin."""
        target = target_on(self.origin, address) or ""
        path, _, query = target.partition("?")
        found = find("GET", path)
        if found is None:
            return ELSEWHERE
        known, named = found
        kept = self.query(dict(httpx.QueryParams(query)), known)
        written = httpx.QueryParams({name: _in_query(one) for name, one in kept.items()})
        return known.path.format_map(self.path(named)) + (f"?{written}" if kept else "")

    def link_number(self, link: str) -> str:
        """Return the number of a link that an answer had; 0 for another one."""
        if link.startswith(LINKS):
            return link.removeprefix(LINKS)
        return str(self._links.get(_as_asked(link), 0))

    def _value(self, value: Any, wanted: Any, name: str, *, personal: bool, numbered: bool) -> Any:
        if value is None or value == "":
            return value
        kinds = alternatives(wanted)
        if name in _ONWARD and isinstance(value, str):
            return self.address(value)
        if isinstance(value, str) and all(map(_is_list, kinds)):
            value = _rows(value)
        if isinstance(value, list):
            items = [get_args(one)[0] for one in kinds if _is_list(one)]
            rows = cast("Sequence[Any]", value if items else [])
            return [
                self._value(one, items[0], name, personal=personal, numbered=numbered)
                for one in rows
            ]
        if isinstance(value, dict):
            return self._model(value, kinds, personal=personal, numbered=numbered)
        if personal or self._is_of_a_file(value, name):
            return self._personal(value, kinds, name, numbered=numbered)
        return self._kept(value, kinds)

    def _is_of_a_file(self, value: Any, name: str) -> bool:
        """Tell whether this is a link that leads away from the API; it may hold a file's name."""
        if not name.endswith(_OF_FILES) or not isinstance(value, str):
            return False
        return _LINK.match(value) is not None and target_on(self.origin, value) is None

    def _model(self, values: Any, kinds: Sequence[Any], *, personal: bool, numbered: bool) -> Any:
        model = next(filter(attrs.has, kinds), None)
        if model is None:
            return {}
        fields = attrs.fields_dict(model)
        return {
            name: self._value(
                values[name],
                wanted,
                name,
                personal=personal or "personal" in fields[name].metadata,
                numbered=numbered,
            )
            for name, wanted in field_types(model).items()
            if name in values
        }

    def _personal(self, value: Any, kinds: Sequence[Any], name: str, *, numbered: bool) -> Any:
        for kind in kinds:
            if kind in _OF_TYPE and _can_be_read(value, kind):
                return _OF_TYPE[kind]
        if not isinstance(value, str):
            return _nothing(value)
        if name == "shared_key":
            return _AS_LONG_AS_A_KEY
        if _LINK.match(value):
            return LINKS + (self._number(value) if numbered else "0")
        return _EMAIL if "@" in value else self.ids.whole(value) or _HIDDEN

    def _number(self, link: str) -> str:
        return str(self._links.setdefault(_as_asked(link), len(self._links) + 1))

    def _kept(self, value: Any, kinds: Sequence[Any]) -> Any:
        for kind in kinds:
            if kind in _OF_TYPE and _can_be_read(value, kind):
                return value
            if _is_choice(value, kind):
                return value
            if kind is str and isinstance(value, str):
                return self._text(value)
            if kind is str and type(value) in {int, Decimal}:
                return value
        return _nothing(value)

    def _text(self, text: str) -> str:
        """Return a text that may stay, without e-mails; its links show only where they lead."""
        shown = _EMAIL_IN_TEXT.sub(_EMAIL, _LINK_IN_TEXT.sub(r"\1\2", text))
        if self.origin:
            here = rf"(?i){re.escape(self.origin)}(?![\w@:-]|\.\w)"
            shown = re.sub(here, LINKS.removesuffix("/"), shown)
        return self.ids.within(shown)


def _as_asked(link: str) -> str:
    """Return a link as a request for it names it."""
    try:
        url = httpx.URL(link)
    except httpx.InvalidURL:
        return link
    return str(url.copy_with(raw_path=url.raw_path, fragment=None))


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in {tuple, list, Sequence} or _is_items(kind)


def _is_items(kind: Any) -> bool:
    return getattr(get_origin(kind), "__name__", "") == "Items"


def _rows(text: str) -> Any:
    """Return the list that is in a text."""
    try:
        return read_json(text.encode())
    except DecodeError:
        return text


def _is_choice(value: Any, kind: Any) -> bool:
    """Tell whether this is one of the values that a type lists, however they are spelt."""
    known = get_args(kind)[1] if get_origin(kind) is Annotated else kind
    if get_origin(known) is not Literal or not isinstance(value, str):
        return False
    return value.casefold() in {str(one).casefold() for one in get_args(known)}


def _can_be_read(value: Any, kind: Any) -> bool:
    try:
        converter.get_structure_hook(kind)(value, kind)
    except Exception:  # noqa: BLE001 - there are many ways to say so
        return False
    return True


def _in_query(value: Any) -> str:
    return ",".join(cast("list[str]", value)) if isinstance(value, list) else str(value)


_NOTHING: Final[tuple[tuple[type, Any], ...]] = (
    (str, _HIDDEN),
    (bool, False),
    (dict, {}),
    (list, []),
)


def _nothing(value: Any) -> Any:
    """Return what says nothing, of the same type in JSON."""
    return next((one for kind, one in _NOTHING if isinstance(value, kind)), 0)
