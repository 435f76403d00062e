"""`Quota`: the rate limit as users set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import attrs

from sikoia_async._errors import ConfigurationError
from sikoia_async._validation import plain_number

if TYPE_CHECKING:
    from sikoia_async.stores.protocols import QuotaStore

__all__ = ["OnStoreFailure", "Quota"]

OnStoreFailure = Literal["open", "closed"]
"""What interactive calls do while a shared store is unavailable: go on within this process's share
of the limit, or fail."""

_NO_LIMIT: Final = "quota=None turns the rate limit off"


def _validate_whole(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = plain_number(value)
    if not isinstance(number, int) or number < 1:
        msg = f"Quota: {attribute.name}: expected a whole number of at least 1 ({_NO_LIMIT})"
        raise ConfigurationError(msg)


def _validate_seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    number = plain_number(value)
    if number is None or not 0 < number < float("inf"):
        msg = f"Quota: {attribute.name}: expected seconds, positive and finite ({_NO_LIMIT})"
        raise ConfigurationError(msg)


def _validate_store(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None:
        from sikoia_async.stores.shared import validate_store  # noqa: PLC0415 - loaded if used

        validate_store(f"Quota: {attribute.name}", "quota", value)


def _validate_on_failure(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value not in get_args(OnStoreFailure):
        msg = f'Quota: {attribute.name}: expected "open" or "closed"'
        raise ConfigurationError(msg)


@attrs.frozen
class Quota:
    """The rate limit: how many requests may be sent in how many seconds.

    Sikoia's limit applies to a whole organisation. Let all of its processes share a store, with
    `Sikoia(shared=...)`, or give each process its part.

    While a shared store is unavailable, polls and background calls wait for it. Interactive calls
    go on after a second, within `limit // peers`.

    Raises:
        ConfigurationError: `limit` or `peers` is not a positive whole number, `per` is not a
            positive number of seconds, `store` is not a `QuotaStore`, or `on_failure` is unknown.
    """

    limit: int = attrs.field(default=200, validator=_validate_whole)
    per: float = attrs.field(default=60.0, validator=_validate_seconds)
    store: QuotaStore | None = attrs.field(
        default=None, validator=_validate_store, kw_only=True, repr=False
    )
    """Counts the requests of several processes together, instead of the store in
    `Sikoia(shared=...)`."""
    peers: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(_validate_whole), kw_only=True
    )
    """How many processes share the limit while their store is unavailable. By default, as many as
    have last used it, or eight if this process has never reached it."""
    on_failure: OnStoreFailure = attrs.field(
        default="open", validator=_validate_on_failure, kw_only=True
    )
    """What interactive calls do while the store is unavailable: go on within their part of the
    limit (`open`), or raise a QuotaStoreError (`closed`)."""
