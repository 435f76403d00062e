"""What `sikoia.stats()` returns; loaded when it is called."""

from __future__ import annotations

import attrs

__all__ = ["Stats"]


@attrs.frozen(kw_only=True)
class Stats:
    """A client's state at one moment, from `sikoia.stats()`."""

    calls: int
    """Calls that were started."""
    attempts: int
    """Requests that were sent for them."""
    waiting: int
    """Requests that are waiting for a slot of the rate limit."""
    waited: float
    """Seconds that all requests together have waited for the rate limit."""
    quota_left: int | None
    """Requests that could be sent right now; None without a rate limit."""
    paused: float
    """Seconds until requests are sent again after a 429."""
    retry_budget: int
    """Tokens left in the retry budget, of 280: a retry costs 14, or 5 after a 429."""
    connections_replaced: int
    """Connections that were replaced because an exchange on them did not end cleanly."""
    in_flight: int
    """Requests in progress."""
    token_age: float | None
    """Seconds since the access token was fetched; None without one."""
    spend: dict[str, int]
    """Chargeable calls by operation, as counted by `sikoia.spend`."""
