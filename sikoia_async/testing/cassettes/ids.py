"""Ids in a cassette: each UUID becomes another one, and the same one wherever it stands.

A UUID of Sikoia's has 122 random bits, so that nobody finds it by trying, also where the salt lies
beside what became of it. Of nothing else is a hash kept: a name or a birth date could be tried,
and so could the names that UUIDs of versions 3 and 5 are made of.
"""

from __future__ import annotations

import re
from hmac import digest
from typing import Final
from uuid import UUID

import attrs

__all__ = ["Pseudonyms"]

_UUID: Final = re.compile(
    r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])"
)

_VERSION: Final = 14
"""Where a UUID says its version."""
_MADE_OF_NAMES: Final = frozenset("35")


@attrs.define
class Pseudonyms:
    """Gives the UUIDs that stand for others.

    Args:
        salt: the cassette's own, so that two cassettes have nothing in common.
        kept: what is such a UUID already, as in a request that is made by a replayed answer.
    """

    salt: str
    kept: frozenset[str] = frozenset()

    def within(self, text: str) -> str:
        """Return a text with other UUIDs in it."""
        return _UUID.sub(lambda found: self._of(found[0].lower()), text)

    def whole(self, text: str) -> str | None:
        """Return the UUID that stands for one; None where the text is none."""
        return self._of(text.lower()) if _UUID.fullmatch(text) else None

    def _of(self, text: str) -> str:
        if text in self.kept:
            return text
        if text[_VERSION] in _MADE_OF_NAMES:
            return "***"
        return str(UUID(bytes=digest(self.salt.encode(), text.encode(), "sha256")[:16], version=4))

    @staticmethod
    def found_in(text: str) -> frozenset[str]:
        """Return the UUIDs in a text."""
        return frozenset(_UUID.findall(text))
