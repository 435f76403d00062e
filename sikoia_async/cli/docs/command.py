"""`sikoia docs`: prints the documentation of this version, and searches it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from sikoia_async.cli.docs.pages import Page, find_text, full, index, read_pages
from sikoia_async.cli.docs.search import search
from sikoia_async.cli.parser import complete_with
from sikoia_async.cli.text import to_json_text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async.cli.parser import Parser

__all__ = ["configure"]


def configure(parser: Parser, _words: Sequence[str]) -> None:
    """Add the arguments of the command."""
    parser.description = (
        "Print the documentation of this version as Markdown: a list of the pages, one of them, "
        "a section such as webhooks#duplicates, or the sections that have some words."
    )
    words = parser.add_argument(
        "words", nargs="*", metavar="word", help="a page, a section, or words to search for"
    )
    complete_with(words, (page.name for page in read_pages()))
    parser.add_argument("--all", action="store_true", help="print all pages")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    pages = read_pages()
    if options.json:
        found = _as_json(pages, options)
        print(to_json_text(found, indent=2))
        return 0 if found else 1
    if options.all:
        print(full(pages), end="")
    elif not options.words:
        about = "The documentation of this version. `sikoia docs PAGE` prints a page."
        print(index(pages, lambda page: page.name, about), end="")
    elif len(options.words) == 1 and (text := find_text(pages, options.words[0])):
        print(text, end="")
    else:
        return _search(pages, options.words)
    return 0


def _as_json(pages: Sequence[Page], options: argparse.Namespace) -> list[dict[str, str]]:
    words: list[str] = options.words
    if options.all:
        return [{"name": one.name, "title": one.title, "text": one.text} for one in pages]
    if not words:
        return [{"name": one.name, "title": one.title, "about": one.about} for one in pages]
    if len(words) == 1 and (text := find_text(pages, words[0])):
        return [{"name": words[0], "text": text}]
    return [
        {"name": hit.place, "heading": hit.heading, "excerpt": hit.excerpt}
        for hit in search(pages, words)
    ]


def _search(pages: Sequence[Page], words: Sequence[str]) -> int:
    hits = search(pages, words)
    for hit in hits:
        print(f"{hit.place}  {hit.heading}\n    {hit.excerpt}".rstrip())
    if not hits:
        print("sikoia docs: nothing found; sikoia docs lists the pages", file=sys.stderr)
    return 0 if hits else 1
