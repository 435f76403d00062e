"""How purchases are made, and what the guarded calls of a client share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from sikoia_async._single_flight import SingleFlight

if TYPE_CHECKING:
    from sikoia_async.batch.sikoia_time import SikoiaTime

__all__ = ["GRACE", "Flight", "GuardSettings", "GuardState"]

GRACE: Final = 5.0


@attrs.frozen(kw_only=True)
class GuardSettings:
    """How purchases are made."""

    grace: float = GRACE
    """Seconds that Sikoia may need for a request whose sender is gone."""
    buy_in_doubt: bool = False
    """Whether to buy again what nobody can tell about."""
    max_age: float | None = None
    """Seconds; what was requested so recently is taken instead of buying. None to take nothing."""


@attrs.define
class Flight:
    """A purchase that is being made in this process."""

    content: bytes
    single: SingleFlight[Any] = attrs.field(factory=SingleFlight[Any])
    callers: int = 0


@attrs.define
class GuardState:
    """What the guarded calls of a client and its views share."""

    time: SikoiaTime
    flights: dict[tuple[object, ...], Flight] = attrs.field(
        factory=dict[tuple[object, ...], Flight]
    )
