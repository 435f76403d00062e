"""The log of what was sent to webhooks: what writes it, and how it is read in pages."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from sikoia_async.sandbox.errors import not_found
from sikoia_async.sandbox.resources.field_rules import one_of
from sikoia_async.sandbox.state import Record, State
from sikoia_async.sandbox.timestamps import long_timestamp

STATUSES = ("NotRequested", "Pending", "Complete", "Failed")
PAGE_SIZE = 25

_status = one_of(*STATUSES)
_direction = one_of("Forward", "Backward")


def record(
    state: State,
    webhook_id: str,
    *,
    event_type: str,
    event_data: Any,
    grouping_id: str | None = None,
    status: str = "Complete",
    codes: Sequence[int] = (),
) -> Record:
    """Write down a request to a webhook, and answer the record, for the sender to keep up to date.

    Args:
        state: Where the webhook is.
        webhook_id: Whom the request is for.
        event_type: What happened.
        event_data: The body of the request.
        grouping_id: What other requests about the same occurrence have; a new one if left out.
        status: `Complete` once it was delivered.
        codes: What the receiver answered to each attempt; 0 where there was no answer.

    Raises:
        ApiError: There is no such webhook.
    """
    webhook = state.store("webhooks").get(webhook_id).record
    attempts = [attempt(state, code) for code in codes]
    written: Record = {
        "request_id": state.new_delivery_id(),
        "grouping_id": grouping_id or state.new_delivery_id(),
        "event_type": event_type,
        "webhook_callback_url": webhook["webhook_callback_url"],
        "datetime_created": long_timestamp(state.now()) if status == "Complete" else None,
        "event_data": event_data,
        "webhook_event_status": status,
        "request_attempts": attempts,
    }
    state.store("webhook_requests").add(written["request_id"], written, entity_id=webhook_id)
    return written


def attempt(state: State, code: int) -> Record:
    """Describe an attempt of this moment."""
    return {
        "attempt_id": state.new_delivery_id(),
        "datetime_created": long_timestamp(state.now()),
        "http_response_code": code,
    }


def page(state: State, webhook_id: str, query: Mapping[str, str]) -> Record:
    """Answer a page of a webhook's log, the newest request first.

    Raises:
        ApiError: A parameter has a value that it cannot have, or names no request of this log.
    """
    status, backward = _read(query)
    log = [entry.record for entry in state.store("webhook_requests").of(webhook_id)]
    after = query.get("after_request_id")
    start = _place(log, after) if after is not None else len(log) if backward else -1
    wanted = [
        place
        for place, request in enumerate(log)
        if status is None or request["webhook_event_status"] == status
    ]
    if backward:
        shown = [place for place in wanted if place < start][-PAGE_SIZE:]
    else:
        shown = [place for place in wanted if place > start][:PAGE_SIZE]
    older, newer = shown and wanted[-1] > shown[-1], shown and wanted[0] < shown[0]

    def url(place: int, direction: str) -> str:
        filters = {"event_status": status} if status else {}
        anchor = {"after_request_id": log[place]["request_id"], "pagination_direction": direction}
        return f"{state.url}/v2/webhooks/{webhook_id}/requests?{urlencode(anchor | filters)}"

    return {
        "pagination_meta_data": {
            "next_page_url": url(shown[-1], "Forward") if older else None,
            "previous_page_url": url(shown[0], "Backward") if newer else None,
            "page_size": PAGE_SIZE,
            "page_count": len(shown),
        },
        "webhook_requests": [log[place] for place in shown],
    }


def _read(query: Mapping[str, str]) -> tuple[str | None, bool]:
    """Read which status is asked for, if any, and whether newer requests are."""
    status, direction = query.get("event_status"), query.get("pagination_direction", "Forward")
    if status is not None:
        _status("event_status", status)
    _direction("pagination_direction", direction)
    return status, direction == "Backward"


def _place(log: Sequence[Record], request_id: str) -> int:
    """Find a request in the log, also one that the filter hides."""
    for place, request in enumerate(log):
        if request["request_id"] == request_id:
            return place
    raise not_found(request_id)
