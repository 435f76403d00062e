"""What a client has done so far, and how much it has left."""

import attrs

__all__ = ["Stats", "Tally"]


@attrs.define
class Tally:
    """What calls count while they go on."""

    calls: int = 0
    attempts: int = 0


@attrs.frozen(kw_only=True)
class Stats:
    """A client's state at one moment: `sikoia.stats()`."""

    calls: int
    """How many calls were begun."""
    attempts: int
    """How many requests were made for them."""
    waiting: int
    """How many requests wait for the quota now."""
    waited: float
    """Seconds that requests have waited for the quota, all together."""
    quota_left: int | None
    """How many requests could be sent at once; None without pacing."""
    paused: float
    """Seconds until requests are sent again after a 429."""
    retry_budget: int
    """Tokens left for retries, of 280: a retry costs 14, one after a 429 costs 5."""
    connections_replaced: int
    """How many connections were thrown away because an exchange on them did not end cleanly."""
    in_flight: int
    """How many requests are under way."""
    token_age: float | None
    """Seconds since the access token was fetched; None without one."""
    spend: dict[str, int]
    """Chargeable calls by operation, as `sikoia.spend` counts them."""
