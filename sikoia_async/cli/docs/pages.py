"""The pages of the documentation, as Markdown, from the wheel or from a checkout."""

from __future__ import annotations

import re
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from sikoia_async.cli.docs.reference import describe
from sikoia_async.cli.docs.resources import with_models

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["Page", "find_text", "full", "index", "read_pages", "sections_of"]

_TITLE: Final = "sikoia-async"
_NAV_LINE: Final = re.compile(
    r"^ +- (?:(?P<section>[^:\n]+):$|(?:[^:\n]+: )?(?P<file>[\w/-]+)\.md$)", re.MULTILINE
)
_REFERENCE: Final = re.compile(r"^::: (\S+)\n((?:    .*\n)*)", re.MULTILINE)
_INCLUDED: Final = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)
_CROSS_REFERENCE: Final = re.compile(r"\[([^\]]+)\]\[sikoia_async[\w.]*\]")
_LINK: Final = re.compile(r"\[([^\]]+)\](?:\([^)]+\)|\[[^\]]+\])")
_HEADING: Final = re.compile(r"^#+ (.+)$")


@attrs.frozen
class Page:
    """A page of the documentation."""

    name: str
    """Its file without the suffix, such as `resources/cases`."""
    group: str
    """The heading above it in the navigation; empty if it has none."""
    source: str
    """What the site is generated from."""
    _folder: Path
    """What included files are relative to."""

    @property
    def title(self) -> str:
        """Its first heading."""
        return self.source.partition("\n")[0].removeprefix("# ")

    @property
    def about(self) -> str:
        """Its first sentence, without links."""
        first = re.split(r"(?<=\.) |\n", self.source.split("\n\n")[1])[0]
        return _LINK.sub(r"\1", first)

    @cached_property
    def text(self) -> str:
        """The page as Markdown, with its examples and the reference."""

        def include(found: re.Match[str]) -> str:
            return (self._folder / found[1]).read_text(encoding="utf-8").rstrip("\n")

        text = _REFERENCE.sub(_described, with_models(self.source).rstrip("\n") + "\n")
        text = _INCLUDED.sub(include, text).replace("``` { .py }", "```python")
        return _CROSS_REFERENCE.sub(r"\1", text)


def sections_of(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield anchor, heading and text of each section of a page, which begins with its title."""
    heading, lines, in_code = "", list[str](), False
    for line in text.splitlines():
        in_code ^= line.startswith("```")
        found = None if in_code else _HEADING.match(line)
        if found and lines:
            yield _anchor(heading), heading, "\n".join(lines)
            lines = []
        heading = found[1] if found else heading
        lines.append(line)
    yield _anchor(heading), heading, "\n".join(lines)


def read_pages(folder: Path | None = None) -> list[Page]:
    """Return all pages in the order of the navigation.

    Args:
        folder: with the folders `docs` and `examples`; those of this version if left out.
    """
    folder = _installed() if folder is None else folder
    config = (folder / "docs" / "mkdocs.yml").read_text(encoding="utf-8")
    pages = list[Page]()
    group = ""
    for found in _NAV_LINE.finditer(config.partition("\nnav:\n")[2]):
        group = found["section"] or group
        if found["file"]:
            source = (folder / "docs" / "pages" / f"{found['file']}.md").read_text(encoding="utf-8")
            pages.append(Page(found["file"], group, source, folder))
    return pages


def find_text(pages: Iterable[Page], name: str) -> str:
    """Return a page or a section as Markdown; empty if there is none of this name.

    Args:
        pages: where to look.
        name: a page such as `webhooks` or `resources/cases`, or `cases` if no other page has that
            name; with `#` and an anchor, one of its sections.
    """
    wanted, _, anchor = name.partition("#")
    found = {page.name: page for page in pages}
    named = {path.rpartition("/")[2]: page for path, page in found.items()}
    page = (named | found).get(wanted.removesuffix(".md"))
    if page is None or not anchor:
        return page.text if page else ""
    return next((f"{text}\n" for one, _, text in sections_of(page.text) if one == anchor), "")


def index(pages: Iterable[Page], link: Callable[[Page], str], about: str) -> str:
    """Return a list of the pages in the form of `llms.txt`, https://llmstxt.org.

    Args:
        pages: in the order of the navigation.
        link: Returns what to follow to a page.
        about: what this documentation is about, in a sentence.
    """
    blocks = [f"# {_TITLE}", f"> {about}"]
    for group, members in groupby(pages, lambda page: page.group):
        if group:
            blocks.append(f"## {group}")
        blocks.append("\n".join(f"- [{one.title}]({link(one)}): {one.about}" for one in members))
    return "\n\n".join(blocks) + "\n"


def full(pages: Iterable[Page]) -> str:
    """Return all pages as one text, in the form of `llms-full.txt`."""
    return "\n".join(page.text for page in pages)


def _installed() -> Path:
    """Return where the pages are: beside this file in a wheel, or else in a checkout."""
    # Private, so that no checker takes the examples for modules of ours.
    bundled = Path(__file__).with_name("_bundled")
    return bundled if bundled.is_dir() else Path(__file__).parents[3]


def _described(found: re.Match[str]) -> str:
    """Return the Markdown for a block of mkdocstrings."""
    options: Mapping[str, str] = dict(
        re.findall(r"^ +(heading_level|members|filters): (.+)$", found[2], re.MULTILINE)
    )
    members = re.findall(r"\w+", options.get("members", ""))
    excluded = [re.compile(one) for one in re.findall(r'"!(.+?)"', options.get("filters", ""))]
    level = int(options.get("heading_level", "3"))
    if members:
        return "\n\n".join(describe(f"{found[1]}.{one}", level) for one in members) + "\n"

    def include(name: str) -> bool:
        return not any(one.search(name) for one in excluded)

    return describe(found[1], level, include=include) + "\n"


def _anchor(heading: str) -> str:
    """Return the anchor of a heading on the site."""
    plain = re.sub(r"[^\w\s-]", "", re.sub(r"[`*]", "", heading)).strip().lower()
    return re.sub(r"[-\s]+", "-", plain)
