"""The pages of the documentation, as an agent reads them: the same as `sikoia docs` prints."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sikoia_async.cli.docs.pages import Page, find_text, read_pages, sections_of
from sikoia_async.cli.docs.search import Hit, search

if TYPE_CHECKING:
    from sikoia_async.cli.mcp import inputs

__all__ = ["Documentation"]

_LONGEST: Final = 20_000
"""Characters of a page that is returned as a whole."""


class Documentation:
    """The documentation of this version."""

    @cached_property
    def _pages(self) -> list[Page]:
        return read_pages()

    def read(self, given: inputs.Read) -> dict[str, Any]:
        """Return a page, a section, or a list of what has some words; of all pages without any."""
        query = given.query.strip()
        if not query:
            rows = [
                {"page": one.name, "title": one.title, "about": one.about} for one in self._pages
            ]
            return {"pages": rows, "next": "read one by its name"}
        text = find_text(self._pages, query)
        if len(text) > _LONGEST and "#" not in query:
            sections = [f"{query}#{anchor}" for anchor, _heading, _text in sections_of(text)]
            return {"sections": sections, "next": "the page is long: read a section by its name"}
        if text:
            return {"text": text}
        hits = self._search(query)
        rows = [{"section": one.place, "shows": one.excerpt} for one in hits]
        following = "read one by its name" if hits else "use other words, or none for all pages"
        return {"sections": rows, "next": following}

    def _search(self, query: str) -> list[Hit]:
        """Return the sections with all words of a question, or with as many of the longest."""
        words = sorted(re.findall(r"\w+", query), key=len, reverse=True)
        for count in range(len(words), 0, -1):
            if hits := search(self._pages, words[:count]):
                return hits
        return []
