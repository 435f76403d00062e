"""The log of requests to webhooks: written by the sender, read page by page."""

from collections.abc import Mapping, Sequence
from itertools import islice
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
    """Log a request to a webhook, and return its record for the sender to update.

    Args:
        state: The records.
        webhook_id: The webhook that the request is for.
        event_type: The type of the event.
        event_data: The body of the request.
        grouping_id: Shared by all requests about one occurrence; by default a new one.
        status: `Complete` if it was delivered.
        codes: The status of the receiver's response to each attempt; 0 without a response.

    Raises:
        ApiError: The webhook does not exist.
    """
    webhook = state.store("webhooks").get(webhook_id).record
    attempts = [attempt(state, code) for code in codes]
    request: Record = {
        "request_id": state.new_delivery_id(),
        "grouping_id": grouping_id or state.new_delivery_id(),
        "event_type": event_type,
        "webhook_callback_url": webhook["webhook_callback_url"],
        "datetime_created": long_timestamp(state.now()) if status == "Complete" else None,
        "event_data": event_data,
        "webhook_event_status": status,
        "request_attempts": attempts,
    }
    state.store("webhook_requests").add(request["request_id"], request, entity_id=webhook_id)
    return request


def attempt(state: State, code: int) -> Record:
    """Return the record of an attempt that was just made."""
    return {
        "attempt_id": state.new_delivery_id(),
        "datetime_created": long_timestamp(state.now()),
        "http_response_code": code,
    }


def page(state: State, webhook_id: str, query: Mapping[str, str]) -> Record:
    """Return a page of a webhook's log, the newest request first.

    Raises:
        ApiError: A parameter has a value that it cannot have, or names no request of this log.
    """
    status, is_backward = _read(query)
    log, after = (
        state.store("webhook_requests").oldest_first(webhook_id),
        query.get("after_request_id"),
    )
    end = -1 if is_backward else len(log)
    anchor = end if after is None else _position(state, webhook_id, after)

    def is_match(index: int) -> bool:
        return status is None or log[index].record["webhook_event_status"] == status

    # Only as much of the log is read as the page needs.
    from_anchor = range(anchor + 1, len(log)) if is_backward else range(anchor - 1, -1, -1)
    on_page = list(islice(filter(is_match, from_anchor), PAGE_SIZE))
    if is_backward:
        on_page.reverse()
    has_older = on_page and any(map(is_match, range(on_page[-1] - 1, -1, -1)))
    has_newer = on_page and any(map(is_match, range(on_page[0] + 1, len(log))))

    def url(index: int, direction: str) -> str:
        filters = {"event_status": status} if status else {}
        anchor = {"after_request_id": log[index].key, "pagination_direction": direction}
        return f"{state.url}/v2/webhooks/{webhook_id}/requests?{urlencode(anchor | filters)}"

    return {
        "pagination_meta_data": {
            "next_page_url": url(on_page[-1], "Forward") if has_older else None,
            "previous_page_url": url(on_page[0], "Backward") if has_newer else None,
            "page_size": PAGE_SIZE,
            "page_count": len(on_page),
        },
        "webhook_requests": [log[index].record for index in on_page],
    }


def _read(query: Mapping[str, str]) -> tuple[str | None, bool]:
    """Return the status to filter by, and whether to page backward, towards newer requests."""
    status, direction = query.get("event_status"), query.get("pagination_direction", "Forward")
    if status is not None:
        _status("event_status", status)
    _direction("pagination_direction", direction)
    return status, direction == "Backward"


def _position(state: State, webhook_id: str, request_id: str) -> int:
    """Return the position of a request in the log, even if the filter hides it."""
    store = state.store("webhook_requests")
    entry = store.get(request_id)
    if entry.entity_id != webhook_id:
        raise not_found(request_id)
    return store.position(entry)
