"""Searches the documentation."""

from __future__ import annotations

import re
from textwrap import shorten
from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async.cli.docs.pages import sections_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sikoia_async.cli.docs.pages import Page

__all__ = ["Hit", "search"]

_MOST: Final = 12
_IN_HEADING: Final = 20
"""As many occurrences in a text weigh as much as one in its heading."""
_MOST_COUNTED: Final = 10
"""Occurrences of a word in a text: a long one is not better for being long."""
_WIDEST: Final = 160
"""Characters of an excerpt."""


@attrs.frozen
class Hit:
    """A section that has all words."""

    place: str
    """What `sikoia docs` prints it by: the page and its anchor, such as `webhooks#duplicates`."""
    heading: str
    excerpt: str
    """The first line that has one of the words."""
    text: str
    """The section."""


def search(pages: Iterable[Page], words: Sequence[str], most: int = _MOST) -> list[Hit]:
    """Return the sections that have all words, in any letter case, the best ones first."""
    wanted = [word.lower() for word in words]
    found = list[tuple[int, Hit]]()
    for page in pages:
        for anchor, heading, text in sections_of(page.text):
            lower = text.lower()
            counts = [lower.count(word) for word in wanted]
            if all(counts):
                title = re.findall(r"\w+", f"{page.title} {heading}".lower())
                in_title = sum(one.startswith(word) for word in wanted for one in title)
                weight = sum(min(count, _MOST_COUNTED) for count in counts) + _IN_HEADING * in_title
                place = f"{page.name}#{anchor}"
                found.append((weight, Hit(place, heading, _excerpt(text, wanted), text)))
    found.sort(key=lambda one: -one[0])
    return [hit for _weight, hit in found[:most]]


def _excerpt(text: str, wanted: Sequence[str]) -> str:
    _heading, *lines = text.splitlines()
    found = next((one for one in lines if any(word in one.lower() for word in wanted)), "")
    return shorten(found, _WIDEST, placeholder=" …")
