"""Finds personal data in URLs, where proxies and access logs would keep it."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import cast
from urllib.parse import unquote

__all__ = ["PersonalDataFinder", "PersonalValue", "personal_values", "personal_values_in_json"]

_NAME, _BIRTH, _MAIL = "a name", "a date of birth", "an e-mail address"
_PHONE, _ADDRESS, _NUMBER = "a phone number", "a part of an address", "a national insurance number"
# Towns, countries and house numbers are left out: too many people share them.
_FIELDS = {
    "address_line_1": _ADDRESS,
    "address_line_2": _ADDRESS,
    "birth_date": _BIRTH,
    "birthdate": _BIRTH,
    "building_name": _ADDRESS,
    "date_of_birth": _BIRTH,
    "email": _MAIL,
    "email_address": _MAIL,
    "first_name": _NAME,
    "last_name": _NAME,
    "middle_name": _NAME,
    "mobile": _PHONE,
    "mobile_number": _PHONE,
    "national_insurance_number": _NUMBER,
    "phone": _PHONE,
    "phone_number": _PHONE,
    "post_code": _ADDRESS,
    "sub_building_name": _ADDRESS,
    "summary_line": _ADDRESS,
    "surname": _NAME,
    "telephone": _PHONE,
}
# Values with fewer letters and digits identify nobody.
_MIN_LENGTH = {_NAME: 2, _BIRTH: 8, _MAIL: 5, _PHONE: 6, _ADDRESS: 4, _NUMBER: 6}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_WITHIN_A_NUMBER = re.compile(r"(?<=\d)[\s()./+-]+(?=\d)")
_BEFORE_A_TIME = re.compile(r"(?<=\d)[Tt](?=\d)")
# Clients sometimes percent-encode a value several times.
_MAX_DECODINGS = 4

Words = tuple[str, ...]
PersonalValue = tuple[str, str]
"""The kind of a personal value, and the value."""


def personal_values(records: Iterable[object]) -> Iterator[PersonalValue]:
    """Return all personal values in records, however deeply nested."""
    for record in records:
        if isinstance(record, Mapping):
            fields = cast("Mapping[str, object]", record)
            for name, value in fields.items():
                kind = _kind(fields, name)
                if kind and isinstance(value, str):
                    yield kind, value
                else:
                    yield from personal_values([value])
        elif isinstance(record, (list, tuple)):
            yield from personal_values(cast("Iterable[object]", record))


def personal_values_in_json(body: bytes) -> Iterator[PersonalValue]:
    """Return all personal values in a body; none if it is not JSON."""
    if not body:
        return
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return
    yield from personal_values([fields])


class PersonalDataFinder:
    """Finds known personal values in URLs, in every spelling and encoding.

    Args:
        values: The values to look for.
    """

    def __init__(self, values: Iterable[PersonalValue]) -> None:
        # Indexed by first word, because a URL has few words and there may be many people.
        self._known: dict[str, dict[Words, str]] = {}
        for kind, value in values:
            for words in _spellings(kind, value):
                self._known.setdefault(words[0], {}).setdefault(words, kind)

    def kinds_in(self, part: str) -> list[str]:
        """Return the kinds of personal data in a part of a URL, sorted."""
        kinds: set[str] = set()
        for decoded in _decodings(_ID.sub(" ", part)):
            plain = _folded(_ID.sub(" ", decoded))
            for words in (_words(plain), _words(_joined(plain))):
                kinds.update(self._found(words))
        return sorted(kinds)

    def _found(self, words: Words) -> Iterator[str]:
        for start, word in enumerate(words):
            for known, kind in self._known.get(word, {}).items():
                if words[start : start + len(known)] == known:
                    yield kind


def _kind(record: Mapping[str, object], name: str) -> str | None:
    # Cases and companies have a `name` too, and a `search_term` may be a company's.
    if (name == "name" and "person_id" in record) or (
        name == "search_term" and record.get("entity_type") == "person"
    ):
        return _NAME
    return _FIELDS.get(name)


def _spellings(kind: str, value: str) -> Iterator[Words]:
    """Return the ways in which people write a value, split into words."""
    plain = _folded(value)
    if kind == _BIRTH:
        for year, *others in _DAY.findall(plain):
            # With and without leading zeros.
            for month, day in (others, [one.lstrip("0") for one in others]):
                yield from ((year + month + day,), (day + month + year,), (month + day + year,))
        return
    words = _words(plain)
    whole = "".join(words)
    if len(whole) < _MIN_LENGTH[kind]:
        return
    yield words
    yield (whole,)
    if kind == _NAME:
        yield ("".join(reversed(words)),)


def _decodings(part: str) -> Iterator[str]:
    """Return a part of a URL with every number of percent-decodings and in both encodings."""
    if part.isspace() or not part:
        return
    decodings = {part}
    for _ in range(_MAX_DECODINGS if "%" in part else 0):
        decodings |= {unquote(one, code) for one in decodings for code in ("utf-8", "latin-1")}
    yield from decodings


def _folded(value: str) -> str:
    """Normalise case, accents and character widths."""
    if value.isascii():
        return value.casefold()
    parts = unicodedata.normalize("NFKD", value)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def _joined(value: str) -> str:
    """Close the gaps in numbers and dates."""
    return _BEFORE_A_TIME.sub(" ", _WITHIN_A_NUMBER.sub("", value))


def _words(value: str) -> Words:
    return tuple(_WORD.findall(value))
