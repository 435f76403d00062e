"""Views of a client: the same connections, with other options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs

from sikoia_async._calls.extras import validate_extra_body, validate_extra_query
from sikoia_async._calls.headers import merge_headers, validate_headers
from sikoia_async._calls.settings import validate_limits
from sikoia_async._calls.usage import Spend
from sikoia_async._errors import ArgumentError
from sikoia_async._hooks.correlation import validate_correlation_id
from sikoia_async._rate_limit.queue import PRIORITIES
from sikoia_async._validation import (
    plain_string,
    validate_flags,
    validate_seconds,
    validate_type,
    validate_whole,
)

if TYPE_CHECKING:
    from sikoia_async._calls.api import Api
    from sikoia_async._calls.options import CallOptions
    from sikoia_async._calls.spend_limits import Limits
    from sikoia_async._rate_limit.queue import Priority

__all__ = ["with_options"]


def with_options(
    api: Api, defaults: CallOptions, changes: dict[str, Any], max_chargeable: Limits | None
) -> Api:
    """Return what makes calls with other options, as `Sikoia.with_options` documents.

    Args:
        api: makes calls with the old ones.
        defaults: what None resets an option to.
        changes: the new options by name.
        max_chargeable: further limits for calls that may cost money.

    Raises:
        ArgumentError: a value is invalid, or the client has no `idempotency_header`.
    """
    options = _validated(_changed(api, defaults, changes))
    api = attrs.evolve(api, options=options)
    if max_chargeable is None:
        return api
    limits, context = validate_limits(max_chargeable), api.context
    spend = Spend(limits, within=context.spend, clock=context.lifecycle.time)
    return attrs.evolve(api, context=attrs.evolve(context, spend=spend))


def _changed(api: Api, defaults: CallOptions, changes: dict[str, Any]) -> CallOptions:
    """Return the options with some of them changed, or reset by None."""
    old, keys = api.options, api.context.keys
    if changes.get("idempotency_key") is not None and keys is None:
        msg = "idempotency_key: requires a client with idempotency_header=..."
        raise ArgumentError(msg)
    if (retries := changes.get("retries")) is not None:
        validate_whole("retries", retries, least=0)
    validate_flags(keep_extra=changes.get("keep_extra"), keep_body=changes.get("keep_body"))
    if (headers := changes.get("headers")) is not None:
        valid = validate_headers(headers, None if keys is None else keys.header)
        changes["headers"] = merge_headers(old.headers or {}, valid)
    if (query := changes.get("extra_query")) is not None:
        changes["extra_query"] = {**(old.extra_query or {}), **validate_extra_query(query)}
    if (body := changes.get("extra_body")) is not None:
        changes["extra_body"] = {**(old.extra_body or {}), **validate_extra_body(body)}
    if "retries" in changes:
        changes["insists"] = bool(retries)
    for name, value in changes.items():
        if value is None:
            changes[name] = getattr(defaults, name)
    return attrs.evolve(old, **changes)


def _validated(options: CallOptions) -> CallOptions:
    """Return the options, if they are valid."""
    if options.interval is not None:
        from sikoia_async.operations.interval import Interval  # noqa: PLC0415 - loaded if used

        validate_type("interval", options.interval, Interval, "an Interval(...)")
    if options.priority not in PRIORITIES:
        msg = f"priority: expected one of {', '.join(PRIORITIES)}"
        raise ArgumentError(msg)
    sent_id, key = options.correlation_id, options.idempotency_key
    if key is not None:
        from sikoia_async._calls.idempotency import validate_key  # noqa: PLC0415 - loaded if used

        key = validate_key(key)
    return attrs.evolve(
        options,
        timeout=validate_seconds("timeout", options.timeout),
        retries=validate_whole("retries", options.retries, least=0),
        correlation_id=None if sent_id is None else validate_correlation_id(sent_id),
        idempotency_key=key,
        priority=cast("Priority", plain_string(options.priority)),
    )
