"""The names of OpenTelemetry's semantic conventions that spans and metrics share.

Source: https://opentelemetry.io/docs/specs/semconv/http/
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from sikoia_async.observers import CallEvent

__all__ = ["attributes_of", "result_of", "server_of"]

_PORTS: Final = {"http": 80, "https": 443}
_BAD_REQUEST: Final = 400


def attributes_of(event: CallEvent) -> dict[str, str | int]:
    """Return what is known of a request before it is sent; the path is a template."""
    address, port = server_of(event.origin)
    attributes: dict[str, str | int] = {
        "http.request.method": event.method,
        "server.address": address,
        "server.port": port,
    }
    if event.path != "(link)":
        attributes["url.template"] = event.path
    return attributes


def result_of(status: int | None, error: str | None) -> dict[str, str | int]:
    """Return how a request ended.

    Args:
        status: the status of its response, if there was one.
        error: why it failed, if it did; a status of 400 or above is an error by itself.
    """
    result: dict[str, str | int] = {}
    if status is not None:
        result["http.response.status_code"] = status
    if error is not None:
        result["error.type"] = error
    elif status is not None and status >= _BAD_REQUEST:
        result["error.type"] = str(status)
    return result


@lru_cache(maxsize=64)
def server_of(origin: str) -> tuple[str, int]:
    """Return the host and the port of an origin."""
    url = urlsplit(origin)
    return url.hostname or "", url.port or _PORTS.get(url.scheme, 0)
