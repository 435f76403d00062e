"""Accepts paths in any letter case, as servers of this kind usually do.

Sikoia does not publish whether it does. Ids and other parameters stay as they are.
"""

import re
from collections.abc import Sequence

from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send


class LetterCase:
    """Spells the fixed parts of a path as its route does.

    Args:
        app: The wrapped application.
        routes: All routes, those with fewer parameters first.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[Route]) -> None:
        self._app = app
        self._literals = {part for route in routes for part in route.path.split("/") if part}
        self._patterns = [
            (re.compile(route.path_regex.pattern, re.IGNORECASE), route.path) for route in routes
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http" and self._is_odd(scope["path"]):
            scope = {**scope, "path": self._usual(scope["path"])}
        await self._app(scope, receive, send)

    def _is_odd(self, path: str) -> bool:
        """Return whether a part of the path may be a fixed one in another letter case."""
        return any(
            part not in self._literals and part.lower() in self._literals
            for part in path.split("/")
        )

    def _usual(self, path: str) -> str:
        for pattern, template in self._patterns:
            if pattern.fullmatch(path):
                parts = zip(template.split("/"), path.split("/"), strict=True)
                return "/".join(sent if usual[:1] == "{" else usual for usual, sent in parts)
        return path
