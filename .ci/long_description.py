"""Hatchling's hook for the README on the package index, where no other files are beside it.

Links to pages lead to the site, and those to other files lead to the repository, at this version.
Without the project's URL, only the text of the link remains.
"""

import re
from pathlib import Path
from typing import Any, Final

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK: Final = re.compile(r"\[([^\]]+)\]\((?![a-z]+:|#)([^)\s]+)\)")
_PAGE: Final = re.compile(r"^docs/pages/(.+)\.md(?=$|#)")


class LongDescription(MetadataHookInterface):
    """Sets the long description of the package."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Read the README, and replace its relative links."""
        urls = {name: url.rstrip("/") for name, url in metadata.get("urls", {}).items()}
        version = metadata["version"]
        minor = ".".join(version.split(".")[:2])

        def absolute(found: re.Match[str]) -> str:
            text, target = found.groups()
            page = _PAGE.sub(r"\1.html", target)
            if page != target and "Documentation" in urls:
                return f"[{text}]({urls['Documentation']}/{minor}/{page})"
            if "Source" in urls:
                return f"[{text}]({urls['Source']}/blob/v{version}/{target})"
            return text

        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": _LINK.sub(absolute, readme),
        }
