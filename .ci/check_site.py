"""Looks whether the built pages of the documentation ask anybody else for anything."""

import re
import sys
from pathlib import Path

_SITE = Path(sys.argv[1])
# What a browser would load by itself; links that a reader may follow are no matter.
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
    sys.exit(f"there is no page in {_SITE}")
if _found:
    sys.exit("pages load something from elsewhere:\n" + "\n".join(_found))
print(f"{_pages} pages, and none asks anybody else for anything")
