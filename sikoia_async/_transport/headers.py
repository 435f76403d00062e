"""The headers of a response, for our own layers and for users."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import httpx

__all__ = ["NO_HEADERS", "ResponseHeaders", "fields_of"]

_NEVER: Final = frozenset({"set-cookie", "set-cookie2"})


def fields_of(headers: httpx.Headers) -> dict[bytes, bytes]:
    """Return the value of each header by its name in lower case.

    A call looks up eight headers. httpx decodes all of them first, and goes through them each time.
    """
    pairs = headers.raw
    fields = {name.lower(): value for name, value in pairs}
    if len(fields) < len(pairs):  # some are repeated
        return {name: b", ".join(_values(pairs, name)) for name in fields}
    return fields


def _values(pairs: list[tuple[bytes, bytes]], name: bytes) -> Iterator[bytes]:
    return (value for one, value in pairs if one.lower() == name)


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
