"""Finds what is about a person in a URL, where proxies and logs would keep it."""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import cast
from urllib.parse import unquote

__all__ = ["Personal", "Told", "told_by", "told_in"]

_NAME, _BIRTH, _MAIL = "a name", "a date of birth", "an e-mail address"
_PHONE, _ADDRESS, _NUMBER = "a phone number", "a part of an address", "a national insurance number"
# A town, a country and the number of a house are shared by too many.
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
# Fewer letters or digits than this tell nothing of anybody.
_LEAST = {_NAME: 2, _BIRTH: 8, _MAIL: 5, _PHONE: 6, _ADDRESS: 4, _NUMBER: 6}
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_WITHIN_A_NUMBER = re.compile(r"(?<=\d)[\s()./+-]+(?=\d)")
_BEFORE_A_TIME = re.compile(r"(?<=\d)[Tt](?=\d)")
# Somebody may have encoded twice, or thrice.
_ENCODED = 4

Words = tuple[str, ...]
Told = tuple[str, str]
"""Of what kind it is, and what."""


def told_by(records: Iterable[object]) -> Iterator[Told]:
    """Give all that records, or what is in them, tell of persons."""
    for record in records:
        if isinstance(record, Mapping):
            fields = cast("Mapping[str, object]", record)
            for name, value in fields.items():
                kind = _kind(fields, name)
                if kind and isinstance(value, str):
                    yield kind, value
                else:
                    yield from told_by([value])
        elif isinstance(record, (list, tuple)):
            yield from told_by(cast("Iterable[object]", record))


def told_in(body: bytes) -> Iterator[Told]:
    """Give all that a body tells of persons, if it is JSON."""
    if not body:
        return
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        return
    yield from told_by([fields])


class Personal:
    """Knows what is about persons, and finds it again however it is written."""

    def __init__(self, told: Iterable[Told]) -> None:
        # By the first of the words, for a URL has few of them and there may be many persons.
        self._known: dict[str, dict[Words, str]] = {}
        for kind, text in told:
            for words in _writings(kind, text):
                self._known.setdefault(words[0], {}).setdefault(words, kind)

    def kinds_in(self, text: str) -> list[str]:
        """Say, sorted, of what kind that is which a part of a URL has of persons."""
        found: set[str] = set()
        for reading in _readings(_ID.sub(" ", text)):
            plain = _folded(_ID.sub(" ", reading))
            for words in (_words(plain), _words(_joined(plain))):
                found.update(self._found(words))
        return sorted(found)

    def _found(self, words: Words) -> Iterator[str]:
        for start, word in enumerate(words):
            for known, kind in self._known.get(word, {}).items():
                if words[start : start + len(known)] == known:
                    yield kind


def _kind(record: Mapping[str, object], name: str) -> str | None:
    # A case and a company have a name too; and who is searched for need not be a person.
    if (name == "name" and "person_id" in record) or (
        name == "search_term" and record.get("entity_type") == "person"
    ):
        return _NAME
    return _FIELDS.get(name)


def _writings(kind: str, text: str) -> Iterator[Words]:
    """Give the ways in which people write the same, as words."""
    plain = _folded(text)
    if kind == _BIRTH:
        for year, *others in _DAY.findall(plain):
            # Some leave out the zeros.
            for month, day in (others, [one.lstrip("0") for one in others]):
                yield from ((year + month + day,), (day + month + year,), (month + day + year,))
        return
    words = _words(plain)
    whole = "".join(words)
    if len(whole) < _LEAST[kind]:
        return
    yield words
    yield (whole,)
    if kind == _NAME:
        yield ("".join(reversed(words)),)


def _readings(text: str) -> Iterator[str]:
    """Decode a part of a URL, in all the ways in which it may be meant."""
    if text.isspace() or not text:
        return
    readings = {text}
    for _ in range(_ENCODED if "%" in text else 0):
        readings |= {unquote(one, code) for one in readings for code in ("utf-8", "latin-1")}
    yield from readings


def _folded(text: str) -> str:
    """Leave out what differs between writings of one word: case, accents, and widths."""
    if text.isascii():
        return text.casefold()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def _joined(text: str) -> str:
    """Close the gaps in numbers and dates."""
    return _BEFORE_A_TIME.sub(" ", _WITHIN_A_NUMBER.sub("", text))


def _words(text: str) -> Words:
    return tuple(_WORD.findall(text))
