"""Checks that the pages of the built documentation load nothing from another site."""

import re
import sys
from pathlib import Path

_SITE = Path(sys.argv[1])
# What a browser loads without being asked; links that a reader may follow are fine.
_LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\ssrc=["']?(?:https?:)?//
      | <link\b(?![^>]*rel=["']?(?:canonical|prev|next))[^>]*\shref=["']?(?:https?:)?//
      | @import\s+(?:url\()?["']?(?:https?:)?//
      | url\(["']?(?:https?:)?//""",
    re.IGNORECASE | re.VERBOSE,
)

_found = [
    f"{page.relative_to(_SITE)}: {match.group()[:120]}"
    for page in sorted(_SITE.rglob("*"))
    if page.suffix in {".html", ".css"}
    for match in _LOADED.finditer(page.read_text(encoding="utf-8"))
]
_pages = len(list(_SITE.rglob("*.html")))
if not _pages:
    sys.exit(f"no page found in {_SITE}")
if _found:
    sys.exit("pages load something from another site:\n" + "\n".join(_found))
print(f"{_pages} pages load nothing from another site")
