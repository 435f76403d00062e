"""What may differ from call to call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sikoia_async._calls.urls import QueryValue
    from sikoia_async._rate_limit.queue import Priority
    from sikoia_async.operations.interval import Interval

__all__ = ["CallOptions"]


@attrs.frozen(kw_only=True, eq=False, repr=False)
class CallOptions:
    """What may differ from call to call; `Sikoia.with_options` documents each option."""

    timeout: float
    retries: int
    correlation_id: str | None = None
    idempotency_key: str | None = None
    priority: Priority = "interactive"
    interval: Interval | None = None
    polls: int | None = None
    """How often the operation was polled before this poll; None if the call is not a poll."""
    insists: bool = False
    """Whether the view that makes the call explicitly asked for retries."""
    headers: Mapping[str, str] | None = None
    """Headers that the caller adds to requests."""
    keep_extra: bool = False
    """Whether responses keep the fields that their models do not have."""
    keep_body: bool = False
    """Whether responses keep their bytes."""
    extra_query: Mapping[str, QueryValue] | None = None
    """Parameters that the caller adds to queries."""
    extra_body: Mapping[str, Any] | None = None
    """Fields that the caller adds to JSON bodies."""
