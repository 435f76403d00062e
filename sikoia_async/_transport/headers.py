"""The headers of a response, as users see them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

__all__ = ["NO_HEADERS", "ResponseHeaders"]

_NEVER: Final = frozenset({"set-cookie", "set-cookie2"})


class ResponseHeaders(Mapping[str, str]):
    """The headers of a response by name, in any letter case, without cookies.

    Most responses are used without their headers, so they are decoded when they are first read.

    Args:
        headers: the headers; a dict if they were decoded before.
    """

    __slots__ = ("_headers",)

    def __init__(self, headers: httpx.Headers | dict[str, str]) -> None:
        self._headers: httpx.Headers | dict[str, str] = headers

    def _decoded(self) -> dict[str, str]:
        headers = self._headers  # read once, because threads may share a model
        if not isinstance(headers, dict):
            headers = {name: value for name, value in headers.items() if name not in _NEVER}
            self._headers = headers
        return headers

    def __getitem__(self, name: str) -> str:
        return self._decoded()[str(name).lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._decoded())

    def __len__(self) -> int:
        return len(self._decoded())

    def __repr__(self) -> str:
        return f"<{len(self)} headers>"

    def __reduce__(self) -> tuple[object, ...]:
        return ResponseHeaders, (self._decoded(),)


NO_HEADERS: Final = ResponseHeaders({})
