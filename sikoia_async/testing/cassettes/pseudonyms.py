"""Pseudonyms for ids: each UUID in a cassette is replaced by another one, the same everywhere.

A UUID of Sikoia's has 122 random bits, so it cannot be guessed even though the salt is in the same
file as the pseudonym. Nothing else is hashed: names and dates of birth could be guessed, and so
could the names from which UUIDs of versions 3 and 5 are computed.
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
_VERSION_INDEX: Final = 14
"""The index of the digit with a UUID's version."""
_NAME_BASED: Final = frozenset("35")


@attrs.define
class Pseudonyms:
    """Replaces UUIDs by others.

    Args:
        salt: the cassette's own, so that two cassettes cannot be linked.
        known: UUIDs that are pseudonyms already, which requests made from replayed responses
            contain. They are kept.
    """

    salt: str
    known: frozenset[str] = frozenset()

    def replace(self, text: str) -> str:
        """Return a text with each UUID in it replaced."""
        return _UUID.sub(lambda match: self._pseudonym(match[0].lower()), text)

    def of(self, text: str) -> str | None:
        """Return the pseudonym of a UUID, or None if the text is not a UUID."""
        return self._pseudonym(text.lower()) if _UUID.fullmatch(text) else None

    def _pseudonym(self, uuid: str) -> str:
        if uuid in self.known:
            return uuid
        if uuid[_VERSION_INDEX] in _NAME_BASED:
            return "***"
        return str(UUID(bytes=digest(self.salt.encode(), uuid.encode(), "sha256")[:16], version=4))

    @staticmethod
    def uuids_in(text: str) -> frozenset[str]:
        """Return the UUIDs in a text."""
        return frozenset(_UUID.findall(text))
