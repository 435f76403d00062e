"""Faults of webhook deliveries, planned in the same way as faults of requests."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

import attrs

from sikoia_async.sandbox.faults.catalogue import NAMED_DELIVERIES, named_fault
from sikoia_async.sandbox.faults.plan import EVERY, Plan, PlannedFault, out_of_range, unknown_name
from sikoia_async.sandbox.resources.webhook_bodies import EVENT_NAMES

__all__ = ["DeliveryFault", "DeliveryFaults", "Forgery", "TriggeredDeliveryFault"]

Forgery = Literal["key", "body", "signature", "unsigned"]
"""The way in which a delivery is forged."""

_MINIMUM: dict[str, float] = {"nth": 1, "times": 1, "after": 0, "repeat": 1, "delay": 0}


class TriggeredDeliveryFault(NamedTuple):
    """A fault that a delivery has triggered."""

    event: str
    effect: str


@attrs.frozen(kw_only=True)
class DeliveryFault(PlannedFault):
    """A planned fault of deliveries: its event, when it is due, and its effect."""

    event: str
    repeat: int | None = None
    hold: Literal[True] | None = None
    drop: Literal[True] | None = None
    forge: Forgery | None = None
    delay: float | None = None

    @property
    def subject(self) -> str:
        """The event that it applies to, or `*`."""
        return self.event


NO_FAULT = DeliveryFault(event=EVERY)
"""The fault of a delivery without a fault."""


class DeliveryFaults(Plan[DeliveryFault, TriggeredDeliveryFault]):
    """The fault plan for webhook deliveries; safe to use from any thread.

    A delivery triggers at most one fault, at its first attempt: of those that are due, the one
    added first. The others stay due. Retries are sent without faults. Held deliveries stay held
    when the plan is cleared.
    """

    _expression = "sandbox.deliveries.faults"
    _subjects = "deliveries"

    def __init__(self, *, clock: Callable[[], float]) -> None:
        super().__init__(TriggeredDeliveryFault, clock=clock)

    @property
    def events(self) -> tuple[str, ...]:
        """The events that faults can apply to."""
        return EVENT_NAMES

    def add(
        self,
        event: str = EVERY,
        *,
        nth: int = 1,
        times: int = 1,
        after: float = 0,
        repeat: int | None = None,
        hold: bool = False,
        drop: bool = False,
        forge: Forgery | None = None,
        delay: float | None = None,
    ) -> None:
        """Plan a fault; by default it applies once, to the next delivery of the event.

        Args:
            event: The event that the webhook has subscribed to, or `*` for every event.
            nth: The first matching delivery that it applies to, counted from now.
            times: How many deliveries it applies to.
            after: Clock seconds until it starts to count deliveries.
            repeat: How many extra times to send the same bytes at once; each time is an attempt
                in the log.
            hold: Hold the delivery until `Deliveries.release`, which sends the newest first.
            drop: Log the delivery as successful, but do not send it.
            forge: Send a forged delivery: signed with another `key`, with a `body` changed after
                signing, with an invalid `signature`, or `unsigned`.
            delay: Clock seconds before the first attempt.

        Raises:
            ValueError: The event is unknown, or the other arguments are out of range or
                contradictory.
        """
        fault = DeliveryFault(
            event=_validate_event(event),
            nth=nth,
            times=times,
            after=after,
            repeat=repeat,
            hold=True if hold else None,
            drop=True if drop else None,
            forge=forge,
            delay=delay,
        )
        for error in _errors(fault):
            raise ValueError(error)
        self._add(fault)

    def inject(self, name: str, event: str = EVERY, *, nth: int = 1, after: float = 0) -> None:
        """Plan a named fault.

        Args:
            name: A key of `sikoia_async.sandbox.faults.catalogue.NAMED_DELIVERIES`.
            event: As for `add`.
            nth: As for `add`.
            after: As for `add`.

        Raises:
            ValueError: The fault or the event is unknown.
        """
        self.add(event, nth=nth, after=after, **named_fault(name, NAMED_DELIVERIES).arguments)

    def take(self, event: str) -> DeliveryFault | None:
        """Return the fault that a delivery triggers, if any, and record it."""
        return self._take(lambda: event)


def _validate_event(event: str) -> str:
    if event == EVERY or event in EVENT_NAMES:
        return event
    kind = "event"
    raise unknown_name(kind, event, EVENT_NAMES)


def _errors(fault: DeliveryFault) -> Iterator[str]:
    yield from out_of_range(fault, _MINIMUM)
    if fault.forge not in {None, *get_args(Forgery)}:
        yield f"forge: expected one of {', '.join(get_args(Forgery))}"
    if fault.hold and fault.delay is not None:
        yield "hold: a held delivery waits for its release, so omit delay"
    if fault.drop and (fault.repeat is not None or fault.forge is not None):
        yield "drop: a dropped delivery is not sent, so omit repeat and forge"
    if not fault.effect:
        yield "expected an effect, such as hold, drop or delay"
