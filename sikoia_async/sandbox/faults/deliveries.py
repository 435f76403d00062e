"""What goes wrong on purpose with deliveries to webhooks: planned as other faults are."""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

import attrs

from sikoia_async.sandbox.faults.catalogue import NAMED_DELIVERIES, called
from sikoia_async.sandbox.faults.plan import EVERY, Plan, PlannedFault, out_of_range, unknown_name
from sikoia_async.sandbox.resources.webhook_bodies import EVENT_NAMES

__all__ = ["DeliveryFault", "DeliveryFaults", "Forgery", "Met"]

Forgery = Literal["key", "body", "signature", "unsigned"]
"""What is wrong with a forged delivery."""

_LEAST: dict[str, float] = {"nth": 1, "times": 1, "after": 0, "repeat": 1, "delay": 0}


class Met(NamedTuple):
    """A fault that a delivery met."""

    event: str
    effect: str


@attrs.frozen(kw_only=True)
class DeliveryFault(PlannedFault):
    """A planned fault: for which event, when, and what happens."""

    event: str
    repeat: int | None = None
    hold: Literal[True] | None = None
    drop: Literal[True] | None = None
    forge: Forgery | None = None
    delay: float | None = None

    @property
    def subject(self) -> str:
        """Which event it is for, or `*`."""
        return self.event


NO_FAULT = DeliveryFault(event=EVERY)
"""The fault of a delivery that goes as it should."""


class DeliveryFaults(Plan[DeliveryFault, Met]):
    """The fault plan of the deliveries of one local Sikoia; any thread may write and read it.

    A delivery meets one fault at most, at its first attempt: of those that are due, the one that
    was added first. The others stay due. What is tried again afterwards goes out as it should.
    What is held back stays so when the plan is cleared.
    """

    _place = "sandbox.deliveries.faults"
    _asked_for = "deliveries"

    def __init__(self, *, clock: Callable[[], float]) -> None:
        super().__init__(Met, clock=clock)

    @property
    def events(self) -> tuple[str, ...]:
        """The events that faults can be for."""
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
        """Plan a fault; by default it happens once, to the next delivery of the event.

        Args:
            event: The event that the webhook has subscribed to, or `*` for all of them.
            nth: The first matching delivery that it happens to, counted from now on.
            times: How many deliveries it happens to.
            after: Seconds of the clock that go by before it counts deliveries.
            repeat: How many times more it is sent, at once and byte for byte; each time is an
                attempt in the log.
            hold: Hold it back until `Deliveries.release`, which turns the order round.
            drop: Log it as delivered, and send nothing.
            forge: Send what is not Sikoia's: signed with another `key`, with a `body` that was
                changed after it was signed, with a `signature` that is none, or `unsigned`.
            delay: Seconds of the clock before the first attempt.

        Raises:
            ValueError: There is no such event, or the rest makes no sense.
        """
        fault = DeliveryFault(
            event=_known(event),
            nth=nth,
            times=times,
            after=after,
            repeat=repeat,
            hold=True if hold else None,
            drop=True if drop else None,
            forge=forge,
            delay=delay,
        )
        for complaint in _complaints(fault):
            raise ValueError(complaint)
        self._put(fault)

    def inject(self, name: str, event: str = EVERY, *, nth: int = 1, after: float = 0) -> None:
        """Plan one of the faults that have a name.

        Args:
            name: Which: one of `sikoia_async.sandbox.faults.catalogue.NAMED_DELIVERIES`.
            event: As for `add`.
            nth: As for `add`.
            after: As for `add`.

        Raises:
            ValueError: There is no such fault, or no such event.
        """
        self.add(event, nth=nth, after=after, **called(name, NAMED_DELIVERIES).arguments)

    def take(self, event: str) -> DeliveryFault | None:
        """Choose the fault of a delivery, and note that it happens."""
        return self._choose(lambda: event)


def _known(event: str) -> str:
    if event == EVERY or event in EVENT_NAMES:
        return event
    kind = "event"
    raise unknown_name(kind, event, EVENT_NAMES)


def _complaints(fault: DeliveryFault) -> Iterator[str]:
    yield from out_of_range(fault, _LEAST)
    if fault.forge not in {None, *get_args(Forgery)}:
        yield f"forge: give one of {', '.join(get_args(Forgery))}"
    if fault.hold and fault.delay is not None:
        yield "hold: it waits for its release then, so leave out delay"
    if fault.drop and (fault.repeat is not None or fault.forge is not None):
        yield "drop: nothing is sent then, so leave out repeat and forge"
    if not fault.effect:
        yield "say what is to happen: hold, drop, a delay, …"
