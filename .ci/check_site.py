"""Checks the built documentation: links, anchors, allowed values; nothing loads from elsewhere.

    python .ci/check_site.py FOLDER

The generator checks the links that it knows. This reads what it has written, whatever wrote it: the
HTML, and the Markdown beside it.
"""

import re
import sys
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path
from typing import Final, Literal, get_args, get_origin
from urllib.parse import unquote, urlsplit

_SITE: Final = Path(sys.argv[1])
# What a browser loads without being asked; links that a reader may follow are fine.
_LOADED: Final = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\ssrc=["']?(?:https?:)?//
      | <link\b(?![^>]*rel=["']?(?:canonical|prev|next))[^>]*\shref=["']?(?:https?:)?//
      | @import\s+(?:url\()?["']?(?:https?:)?//
      | url\(["']?(?:https?:)?//""",
    re.IGNORECASE | re.VERBOSE,
)
_TAG: Final = r"""<(?:a|link|script|img|source)\b[^>]*\s(?:href|src)=["']?([^"'\s>]+)"""
_ANCHOR: Final = re.compile(r"""\s(?:id|name)=["']?([^"'\s>]+)""")
_MARKDOWN_LINK: Final = re.compile(r"\]\(([^)\s]+\.md)(?:#[^)]*)?\)")


def main() -> None:
    """Exit with an error if something is wrong."""
    pages = sorted(_SITE.rglob("*.html"))
    if not pages:
        sys.exit(f"no page found in {_SITE}")
    problems = [*_loaded(), *_links(pages), *_markdown_links(), *_values()]
    if problems:
        sys.exit("\n".join([*problems, f"{len(problems)} problems"]))
    print(f"{len(pages)} pages: no broken link or anchor, and nothing loads from another site")


def _loaded() -> Iterator[str]:
    for path in sorted(_SITE.rglob("*")):
        if path.suffix in {".html", ".css", ".svg"}:
            for found in _LOADED.finditer(_text(path)):
                yield f"{_name(path)}: loads from another site: {found.group()[:120]}"


def _links(pages: list[Path]) -> Iterator[str]:
    for page in pages:
        for link in sorted(set(re.findall(_TAG, _text(page)))):
            parts = urlsplit(link.replace("&amp;", "&"))
            if parts.scheme or parts.netloc:
                continue
            path = unquote(parts.path)
            target = _SITE / path.lstrip("/") if path.startswith("/") else page.parent / path
            target = (target if path else page).resolve()
            if target.is_dir():
                target /= "index.html"
            if not target.exists():
                yield f"{_name(page)}: broken link: {link}"
            elif parts.fragment and unquote(parts.fragment) not in _anchors(target):
                yield f"{_name(page)}: broken anchor: {link}"


def _markdown_links() -> Iterator[str]:
    for path in sorted(_SITE.rglob("*.md")):
        for link in sorted(set(_MARKDOWN_LINK.findall(_text(path)))):
            if "://" not in link and not (path.parent / link).exists():
                yield f"{_name(path)}: broken link: {link}"


def _values() -> Iterator[str]:
    """Yield the values of public enums that no page of the reference shows."""
    if not (_SITE / "llms.txt").exists():  # not ours
        return
    from sikoia_async import types  # noqa: PLC0415 - for our own site only

    pages = "".join(map(_text, sorted(_SITE.rglob("*.html"))))
    shown = unescape(re.sub(r"<[^>]+>", "", pages))
    for name in types.__all__:
        alias = getattr(types, name)
        if get_origin(alias) is Literal:
            values = get_args(alias)
            missing = [one for one in values if f"'{one}'" not in shown and f'"{one}"' not in shown]
            if missing:
                yield f"no page shows these values of {name}: {', '.join(missing)}"


@cache
def _anchors(page: Path) -> frozenset[str]:
    return frozenset(_ANCHOR.findall(_text(page)))


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _name(path: Path) -> str:
    return path.relative_to(_SITE).as_posix()


main()
