"""Tells webhooks what has happened: who is told, when, and how often it is tried.

Work that ends is noticed before each request is answered, and by the loop that the server runs.
Then it is settled what is sent to whom, and written to the log; sending comes after. With no
webhook to be told, nothing is looked at.
"""

import math
import threading
from collections.abc import Sequence

import anyio
import attrs
import httpx

from sikoia_async.sandbox.deliveries.events import Occurrence, latest, occurrence
from sikoia_async.sandbox.deliveries.payloads import (
    EventShape,
    apply_shape,
    to_bytes,
    validate_shape,
)
from sikoia_async.sandbox.deliveries.sender import Delivery, Sender
from sikoia_async.sandbox.faults.deliveries import DeliveryFaults
from sikoia_async.sandbox.faults.plan import unknown_name
from sikoia_async.sandbox.resources import webhook_log
from sikoia_async.sandbox.resources.webhook_bodies import EVENT_NAMES, with_parents
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

__all__ = ["Deliveries"]

_TICK = 0.02
"""Seconds, of real time, between two looks at the clock."""


@attrs.define(eq=False)
class _Batch:
    """Deliveries that are under way."""

    deliveries: list[Delivery]
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)


class Deliveries:
    """The deliveries of one local Sikoia to its webhooks.

    Each subscribed event that matches is a delivery of its own. What is due at once goes to one
    receiver, which is a host and a port, one after the other: the oldest first, and of one
    occurrence the more general event first. Several receivers are told at the same time.

    Args:
        state: Where the webhooks and the work are.
        retries: Seconds of the clock before the second attempt, the third, and so on.
        shape: What is sent of a payload.

    Raises:
        ValueError: A pause is no number of seconds, or there is no such shape.
    """

    faults: DeliveryFaults
    """What goes wrong on purpose."""

    def __init__(
        self, state: State, *, retries: Sequence[float] = (1, 5, 25), shape: EventShape = "full"
    ) -> None:
        for pause in retries:
            if not 0 <= pause < math.inf:
                msg = "delivery_retries: give seconds, zero or more"
                raise ValueError(msg)
        self.faults = DeliveryFaults(clock=state.clock)
        self._state = state
        self._retries = tuple(retries)
        self._shape: EventShape = validate_shape(shape)
        self._webhooks = state.store("webhooks")
        self._log = state.store("webhook_requests")
        self._sender = Sender(state, self._wait_again)
        # The event loop sends; any thread may release.
        self._lock = threading.Lock()
        self._waiting: list[Delivery] = []
        self._held: list[Delivery] = []
        self._under_way: list[_Batch] = []

    @property
    def shape(self) -> EventShape:
        """What is sent of a payload from now on; any thread may set it.

        Raises:
            ValueError: There is no such shape.
        """
        return self._shape

    @shape.setter
    def shape(self, shape: EventShape) -> None:
        self._shape = validate_shape(shape)

    @property
    def held_count(self) -> int:
        """How many deliveries the fault plan holds back."""
        with self._lock:
            return len(self._held)

    def release(self) -> None:
        """Let go what the fault plan holds back, the newest first; any thread may."""
        with self._lock:
            self._waiting[:0] = self._held[::-1]
            self._held.clear()

    def send(self, webhook_id: str, event: str) -> None:
        """Tell a webhook of an event by hand, whether or not it has subscribed to it.

        It is about the latest work that the event would be sent for; where there is none, about a
        request that nobody knows. Call this, and `send_again`, in the event loop of the
        application.

        Raises:
            ApiError: There is no such webhook.
            ValueError: There is no such event.
        """
        webhook = self._webhooks.get(webhook_id).record
        if event not in EVENT_NAMES:
            kind = "event"
            raise unknown_name(kind, event, EVENT_NAMES)
        about = latest(self._state, event)
        self._prepare(webhook, event, self._state.new_delivery_id(), about)

    def send_again(self, request_id: str) -> None:
        """Send what stands in the log of a webhook once more, as another attempt.

        Raises:
            ApiError: There is no such request in any log.
            ValueError: It is still on its way.
        """
        request = self._log.get(request_id).record
        if request["webhook_event_status"] == "Pending":
            msg = "this delivery is still on its way: it is tried again by itself"
            raise ValueError(msg)
        request["webhook_event_status"] = "Pending"
        self._wait_for_first(request)

    def notice(self) -> None:
        """Settle what is sent about work that has ended by now."""
        for kind, key in self._state.progress.take_ended():
            if len(self._webhooks) and (happened := occurrence(self._state, kind, key)):
                self._announce(happened)

    async def deliver_due(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Send all that is due; for an application without a server, which does so by itself.

        It returns when each delivery that is due by the clock has been tried, those included that
        become due meanwhile.

        Args:
            transport: What to send by in place of sockets.
        """
        self.notice()
        while due := self._take_due():
            await self._send(due, transport)
            self.notice()

    async def settle(self) -> None:
        """Send all that is due, and return when nothing that is due is under way any more."""
        await self.deliver_due()
        while self._under_way:
            await anyio.sleep(_TICK)
            await self.deliver_due()

    async def run(self) -> None:
        """Send what is due whenever it is, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self.notice()
                if due := self._take_due():
                    # What a slow receiver keeps waiting does not keep what is due later.
                    tasks.start_soon(self._send, due)
                await anyio.sleep(_TICK)

    def save(self) -> Saved:
        """Give what is still to be sent, what is under way included, and what goes wrong."""
        with self._lock:
            under_way = [one for batch in self._under_way for one in batch.deliveries]
            return Saved(
                copied=([*under_way, *self._waiting], self._held),
                kept=(self._shape, self.faults.save()),
            )

    def restore(self, saved: Saved) -> None:
        """Send that and nothing else; what is under way is abandoned."""
        for batch in self._under_way:
            batch.scope.cancel()
        self._under_way = []
        with self._lock:
            self._waiting, self._held = saved.copied
        self._shape, faults = saved.kept
        self.faults.restore(faults)

    def _announce(self, happened: Occurrence) -> None:
        grouping_id = self._state.new_delivery_id()
        events = with_parents(happened.event)
        for webhook in [entry.record for entry in self._webhooks]:
            for event in events:
                if event in webhook["event_types"]:
                    self._prepare(webhook, event, grouping_id, happened.about)

    def _prepare(self, webhook: Record, event: str, grouping_id: str, about: Record) -> None:
        payload = {
            "event_type": event,
            "grouping_id": grouping_id,
            "datetime_created": long_timestamp(self._state.now()),
            **about,
        }
        event_data = apply_shape(payload, self._shape)
        request = webhook_log.record(
            self._state,
            webhook["webhook_id"],
            event_type=event,
            event_data=event_data,
            grouping_id=grouping_id,
            status="Pending",
        )
        self._wait_for_first(request)

    def _wait_for_first(self, request: Record) -> None:
        """Have a request of the log sent at once, and again after each pause if that fails."""
        body, pauses = to_bytes(request["event_data"]), list(self._retries)
        self._wait(Delivery(request, body, self._state.clock(), pauses))

    def _wait(self, delivery: Delivery) -> None:
        with self._lock:
            self._waiting.append(delivery)

    def _wait_again(self, delivery: Delivery) -> None:
        """Take a delivery back, unless its record went while it was under way."""
        if self._log.has(delivery.request["request_id"], delivery.request):
            self._wait(delivery)

    async def _send(self, batch: _Batch, transport: httpx.AsyncBaseTransport | None = None) -> None:
        with batch.scope:
            try:
                await self._sender.send(batch.deliveries, transport)
            finally:
                # It is not there any more when it was abandoned.
                self._under_way = [one for one in self._under_way if one is not batch]

    def _take_due(self) -> _Batch | None:
        """Take out what is to be sent now, if anything is."""
        if not self._waiting:
            return None
        now = self._state.clock()
        with self._lock:
            due = [one for one in self._waiting if one.due <= now]
            self._waiting = [one for one in self._waiting if one.due > now]
            going = [one for one in due if self._goes_out(one, now)]
        if not going:
            return None
        self._under_way.append(_Batch(going))
        return self._under_way[-1]

    def _goes_out(self, delivery: Delivery, now: float) -> bool:
        """Ask the fault plan, once, and do what it says about the time."""
        if delivery.is_fault_taken:
            return True
        delivery.is_fault_taken = True
        fault = self.faults.take(delivery.request["event_type"])
        if fault is None:
            return True
        delivery.fault = fault
        if fault.hold:
            self._held.append(delivery)
        elif fault.delay:
            delivery.due = now + fault.delay
            self._waiting.append(delivery)
        return not (fault.hold or fault.delay)
