"""The queue of webhook deliveries: what is sent to which webhook, when, and how often.

Operations that have ended are settled before each request and by the server's own loop. Their
deliveries are written to the webhook log and queued then, and sent afterwards.
"""

import threading
from collections.abc import Sequence
from datetime import datetime

import anyio
import attrs
import httpx

from sikoia_async.sandbox.deliveries.events import WebhookEvent, event_of, latest_data
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
from sikoia_async.sandbox.resources.endings import settle
from sikoia_async.sandbox.resources.webhook_bodies import EVENT_NAMES, with_parents
from sikoia_async.sandbox.snapshot import Saved
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

__all__ = ["Deliveries"]

_TICK = 0.02
"""Real seconds between two checks for due deliveries."""


@attrs.define(eq=False)
class _Batch:
    """Deliveries in progress."""

    deliveries: list[Delivery]
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)


class Deliveries:
    """The webhook deliveries of one local Sikoia.

    Each subscribed event that matches is one delivery. Deliveries that are due together go to a
    receiver, which is a host and a port, one after the other: the oldest first, and a parent event
    before its child. Different receivers are served concurrently.

    Args:
        state: Holds the webhooks and the operations.
        retries: Clock seconds before each retry.
        shape: The part of a payload that is sent.
        timeout: Real seconds until a receiver has to respond.
    """

    faults: DeliveryFaults
    """The faults planned for deliveries."""

    def __init__(
        self,
        state: State,
        *,
        retries: Sequence[float] = (1, 5, 25),
        shape: EventShape = "full",
        timeout: float = 5,
    ) -> None:
        self.faults = DeliveryFaults(clock=state.clock)
        self._state = state
        self._retries = tuple(retries)
        self._shape: EventShape = shape
        self._webhooks = state.store("webhooks")
        self._log = state.store("webhook_requests")
        self._sender = Sender(state, self._requeue, timeout=timeout)
        # Only the event loop sends, but any thread may release.
        self._lock = threading.Lock()
        self._queued: list[Delivery] = []
        self._held: list[Delivery] = []
        self._in_progress: list[_Batch] = []

    @property
    def shape(self) -> EventShape:
        """The part of a payload that is sent; any thread may change it.

        Raises:
            ValueError: The shape is unknown.
        """
        return self._shape

    @shape.setter
    def shape(self, shape: EventShape) -> None:
        self._shape = validate_shape(shape)

    @property
    def held_count(self) -> int:
        """How many deliveries are held by faults."""
        with self._lock:
            return len(self._held)

    def release(self) -> None:
        """Queue all held deliveries, the newest first; safe from any thread."""
        with self._lock:
            self._queued[:0] = self._held[::-1]
            self._held.clear()

    def send(self, webhook_id: str, event: str) -> None:
        """Send an event to a webhook, whether or not it has subscribed to it.

        The payload describes the newest operation with this event, or an unknown request if
        there is none. Call this method and `send_again` from the application's event loop.

        Raises:
            ApiError: The webhook does not exist.
            ValueError: The event is unknown.
        """
        webhook = self._webhooks.get(webhook_id).record
        if event not in EVENT_NAMES:
            kind = "event"
            raise unknown_name(kind, event, EVENT_NAMES)
        data = latest_data(self._state, event)
        self._create(webhook, event, self._state.new_delivery_id(), self._state.now(), data)

    def send_again(self, request_id: str) -> None:
        """Send a logged delivery once more, as another attempt.

        Raises:
            ApiError: The request is not in any webhook's log.
            ValueError: The delivery is still pending.
        """
        request = self._log.get(request_id).record
        if request["webhook_event_status"] == "Pending":
            msg = "this delivery is still pending and is retried automatically"
            raise ValueError(msg)
        request["webhook_event_status"] = "Pending"
        self._queue_first_attempt(request)

    def queue_events(self) -> None:
        """Settle all operations that have ended, and queue their deliveries."""
        for (kind, key), moment in settle(self._state):
            if len(self._webhooks) and (event := event_of(self._state, kind, key)):
                self._queue_event(event, moment)

    async def deliver_due(self, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Send every due delivery, including those that become due meanwhile.

        Use it with an application that has no server; a server sends deliveries by itself.

        Args:
            transport: An HTTP transport to use instead of sockets.
        """
        self.queue_events()
        while due := self._take_due():
            await self._send(due, transport)
            self.queue_events()

    async def settle(self) -> None:
        """Send every due delivery, and wait for those in progress."""
        await self.deliver_due()
        while self._in_progress:
            await anyio.sleep(_TICK)
            await self.deliver_due()

    async def run(self) -> None:
        """Send deliveries when they become due, until cancelled."""
        async with anyio.create_task_group() as tasks:
            while True:
                self.queue_events()
                if due := self._take_due():
                    # In its own task, so that a slow receiver does not delay later deliveries.
                    tasks.start_soon(self._send, due)
                await anyio.sleep(_TICK)

    def save(self) -> Saved:
        """Return all unsent deliveries, including those in progress, and the fault plan."""
        with self._lock:
            in_progress = [one for batch in self._in_progress for one in batch.deliveries]
            return Saved(
                copied=([*in_progress, *self._queued], self._held),
                kept=(self._shape, self.faults.save()),
            )

    def restore(self, saved: Saved) -> None:
        """Replace the queue, and abandon deliveries in progress."""
        for batch in self._in_progress:
            batch.scope.cancel()
        self._in_progress = []
        with self._lock:
            self._queued, self._held = saved.copied
        self._shape, faults = saved.kept
        self.faults.restore(faults)

    def _queue_event(self, event: WebhookEvent, moment: datetime) -> None:
        grouping_id = self._state.new_delivery_id()
        names = with_parents(event.name)
        for webhook in [entry.record for entry in self._webhooks]:
            for name in names:
                if name in webhook["event_types"]:
                    self._create(webhook, name, grouping_id, moment, event.data)

    def _create(
        self, webhook: Record, event: str, grouping_id: str, moment: datetime, data: Record
    ) -> None:
        payload = {
            "event_type": event,
            "grouping_id": grouping_id,
            "datetime_created": long_timestamp(moment),
            **data,
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
        self._queue_first_attempt(request)

    def _queue_first_attempt(self, request: Record) -> None:
        """Queue a logged request for now, with all its retries."""
        body, pauses = to_bytes(request["event_data"]), list(self._retries)
        self._queue(Delivery(request, body, self._state.clock(), pauses))

    def _queue(self, delivery: Delivery) -> None:
        with self._lock:
            self._queued.append(delivery)

    def _requeue(self, delivery: Delivery) -> None:
        """Queue a retry, unless the log record was deleted during the attempt."""
        if self._log.has(delivery.request["request_id"], delivery.request):
            self._queue(delivery)

    async def _send(self, batch: _Batch, transport: httpx.AsyncBaseTransport | None = None) -> None:
        with batch.scope:
            try:
                await self._sender.send(batch.deliveries, transport)
            finally:
                # It is already gone if a restore abandoned it.
                self._in_progress = [one for one in self._in_progress if one is not batch]

    def _take_due(self) -> _Batch | None:
        """Remove the due deliveries from the queue, if there are any."""
        if not self._queued:
            return None
        now = self._state.clock()
        with self._lock:
            due = [one for one in self._queued if one.due <= now]
            self._queued = [one for one in self._queued if one.due > now]
            sendable = [one for one in due if self._is_sendable(one, now)]
        if not sendable:
            return None
        self._in_progress.append(_Batch(sendable))
        return self._in_progress[-1]

    def _is_sendable(self, delivery: Delivery, now: float) -> bool:
        """Take a fault for a delivery, once, and hold or delay the delivery if it says so."""
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
            self._queued.append(delivery)
        return not (fault.hold or fault.delay)
