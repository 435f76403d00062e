"""Parameters and fields of the caller's, for which this SDK has no argument."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from sikoia_async._calls.urls import with_query
from sikoia_async._errors import ArgumentError
from sikoia_async._validation import plain_string, validate_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async._calls.urls import QueryValue

__all__ = ["merge", "validate_extra_body", "validate_extra_query", "with_missing"]


def validate_extra_query(query: Mapping[str, QueryValue]) -> dict[str, QueryValue]:
    """Return parameters that may be added to queries.

    Raises:
        ArgumentError: they cannot be sent.
    """
    validate_mapping("extra_query", query)
    plain = {_field("extra_query", name): value for name, value in query.items()}
    with_query("/", plain)
    return plain


def validate_extra_body(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields that may be added to JSON bodies.

    Raises:
        ArgumentError: they cannot be sent.
    """
    validate_mapping("extra_body", body)
    plain = {_field("extra_body", name): value for name, value in body.items()}
    from sikoia_async._codec.encoder import dumps  # noqa: PLC0415 - loaded when first used

    dumps(plain)
    return plain


def _field(option: str, name: str) -> str:
    plain = plain_string(name)
    if not plain:
        msg = f"{option}: a name is empty"
        raise ArgumentError(msg)
    return plain


def merge(
    option: str, given: Mapping[str, Any] | None, extra: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """Return the parameters or fields of a method with those that a view adds.

    Letter case does not distinguish them, because servers may ignore it.

    Raises:
        ArgumentError: an argument of the method has the same name.
    """
    extra = {name: value for name, value in (extra or {}).items() if value is not None}
    if not extra:
        return given
    names = {name.lower() for name, value in (given or {}).items() if value is not None}
    for name in extra:
        if name.lower() in names:
            msg = f"{option}: {name} is also an argument of this call; pass it once"
            raise ArgumentError(msg)
    return {**(given or {}), **extra}


def with_missing(target: str, extra: Mapping[str, QueryValue] | None) -> str:
    """Add to a path and query from a response those parameters that it does not have."""
    if not extra:
        return target
    path, _, query = target.partition("?")
    named = {name.lower() for name in httpx.QueryParams(query)}
    added = with_query("", {name: one for name, one in extra.items() if name.lower() not in named})
    return f"{path}?{'&'.join(filter(None, (query, added.removeprefix('?'))))}" if added else target
