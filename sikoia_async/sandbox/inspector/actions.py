"""The actions of the page and of programs; each one returns a message for the user."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, cast

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.errors import ApiError
from sikoia_async.sandbox.faults.plan import EVERY
from sikoia_async.sandbox.snapshot import Snapshot

__all__ = ["ACTIONS", "DELIVERY_FAULT_FIELDS", "FAULT_FIELDS", "SNAPSHOT_ACTIONS", "act"]

Form = Mapping[str, Any]

_LARGEST_WHOLE = 2**53
"""The largest integer that a browser represents exactly."""


def act(app: App, name: str, form: Form, snapshots: dict[str, Snapshot]) -> str:
    """Perform an action, and return a message that confirms it.

    Args:
        app: The local Sikoia.
        name: A key of `ACTIONS` or `SNAPSHOT_ACTIONS`.
        form: The fields of the form.
        snapshots: The snapshots taken so far, by their names.

    Raises:
        ValueError: A field is missing or invalid, or the action is not possible.
        AssertionError: What the action asserts is wrong.
    """
    if name in SNAPSHOT_ACTIONS:
        return SNAPSHOT_ACTIONS[name](app, form, snapshots)
    try:
        return ACTIONS[name](app, form)
    except ApiError as exc:
        # A record that does not exist, or no longer.
        raise ValueError(exc.detail) from exc


def _advance(app: App, form: Form) -> str:
    app.clock.advance(_number(form, "seconds"))
    return f"The clock now shows {app.clock.now:%Y-%m-%d %H:%M:%S} UTC."


def _finish(app: App, form: Form) -> str:
    kind = _optional(form, "kind")
    app.work.finish(_string(form, "id"), kind=kind)
    return f"Finished: {kind or 'all work with this id'}."


def _fail(app: App, form: Form) -> str:
    kind = _optional(form, "kind")
    app.work.fail(_string(form, "id"), _optional(form, "message"), kind=kind)
    return f"Failed: {kind or 'all work with this id'}."


def _finish_all(app: App, _form: Form) -> str:
    app.work.finish_all()
    return "All operations are finished."


def _plan_fault(app: App, form: Form) -> str:
    name, operation = _string(form, "name"), _string(form, "operation")
    _whole(form, "nth")
    app.faults.inject(name, operation, **_fields(form, _CONDITIONS, "name", "operation"))
    return f"Planned: {name}, for {_label(operation, 'every request')}."


def _plan_delivery_fault(app: App, form: Form) -> str:
    name, event = _string(form, "name"), _string(form, "event")
    _whole(form, "nth")
    app.deliveries.faults.inject(name, event, **_fields(form, _CONDITIONS, "name", "event"))
    return f"Planned: {name}, for {_label(event, 'every event')}."


def _add_fault(app: App, form: Form) -> str:
    operation = _optional(form, "operation") or EVERY
    fields = _fields(form, FAULT_FIELDS, "operation")
    if "body" in fields:
        fields["body"] = fields["body"].encode()
    app.faults.add(operation, **fields)
    return f"Planned for {_label(operation, 'every request')}."


def _add_delivery_fault(app: App, form: Form) -> str:
    event = _optional(form, "event") or EVERY
    app.deliveries.faults.add(event, **_fields(form, DELIVERY_FAULT_FIELDS, "event"))
    return f"Planned for {_label(event, 'every event')}."


def _assert_charged_once(app: App, form: Form) -> str:
    entity_id = _optional(form, "entity_id")
    app.ledger.assert_charged_once(_string(form, "operation"), entity_id=entity_id)
    return "It was charged exactly once."


def _assert_nothing_charged_twice(app: App, _form: Form) -> str:
    app.ledger.assert_nothing_charged_twice()
    return "Nothing was charged twice."


def _assert_no_personal_data_in_urls(app: App, _form: Form) -> str:
    app.ledger.assert_no_personal_data_in_urls()
    return "No URL contains personal data."


def _clear_ledger(app: App, _form: Form) -> str:
    app.ledger.clear()
    return "The ledger is empty."


def _snapshot(app: App, form: Form, snapshots: dict[str, Snapshot]) -> str:
    name = _optional(form, "name") or _DEFAULT
    if name not in snapshots and len(snapshots) >= _MAX_SNAPSHOTS:
        msg = f"name: there are {_MAX_SNAPSHOTS} snapshots already; replace one of them"
        raise ValueError(msg)
    snapshots[name] = app.snapshot()
    return "The state is saved."


def _restore(app: App, form: Form, snapshots: dict[str, Snapshot]) -> str:
    name = _optional(form, "name") or _DEFAULT
    if name not in snapshots:
        msg = f"name: no snapshot has this name{_nearest(name, snapshots)}"
        raise ValueError(msg)
    app.restore(snapshots[name])
    return "The state is restored. Clients may need a new access token."


def _clear_faults(app: App, _form: Form) -> str:
    app.faults.clear()
    app.deliveries.faults.clear()
    return "All faults are cleared."


def _send(app: App, form: Form) -> str:
    event = _string(form, "event")
    app.deliveries.send(_string(form, "webhook_id"), event)
    return f"Queued: {event}."


def _send_again(app: App, form: Form) -> str:
    app.deliveries.send_again(_string(form, "request_id"))
    return "Queued again."


def _release(app: App, _form: Form) -> str:
    app.deliveries.release()
    return "The held deliveries are released."


def _reset(app: App, _form: Form) -> str:
    app.reset()
    return "Everything is reset. Clients need a new access token."


ACTIONS: dict[str, Callable[[App, Form], str]] = {
    "advance": _advance,
    "finish": _finish,
    "fail": _fail,
    "finish-all": _finish_all,
    "add-fault": _add_fault,
    "add-delivery-fault": _add_delivery_fault,
    "assert-charged-once": _assert_charged_once,
    "assert-no-personal-data-in-urls": _assert_no_personal_data_in_urls,
    "assert-nothing-charged-twice": _assert_nothing_charged_twice,
    "clear-ledger": _clear_ledger,
    "plan-fault": _plan_fault,
    "plan-delivery-fault": _plan_delivery_fault,
    "clear-faults": _clear_faults,
    "send": _send,
    "send-again": _send_again,
    "release": _release,
    "reset": _reset,
}


SNAPSHOT_ACTIONS: dict[str, Callable[[App, Form, dict[str, Snapshot]], str]] = {
    "snapshot": _snapshot,
    "restore": _restore,
}
"""The actions that also need the snapshots taken so far."""

_DEFAULT = "default"
_MAX_SNAPSHOTS = 100


def _label(subject: str, every: str) -> str:
    return every if subject == "*" else subject


def _string(form: Form, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value:
        msg = f"{name}: required"
        raise ValueError(msg)
    return value


def _number(form: Form, name: str) -> float:
    value = form.get(name)
    # bool is a subclass of int.
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name}: expected a number"
        raise ValueError(msg)  # noqa: TRY004 - the page shows the message of a ValueError
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        msg = f"{name}: expected a smaller number"
        raise ValueError(msg)
    return value


def _optional(form: Form, name: str) -> str | None:
    return None if form.get(name) is None else _string(form, name)


def _flag(form: Form, name: str) -> bool:
    value = form.get(name)
    if not isinstance(value, bool):
        msg = f"{name}: expected true or false"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return value


def _text(form: Form, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str):
        msg = f"{name}: expected a string"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return value


def _headers(form: Form, name: str) -> dict[str, str]:
    value: Any = form.get(name)
    if not isinstance(value, dict):
        msg = f"{name}: expected an object of strings"
        raise ValueError(msg)  # noqa: TRY004 - as above
    headers = cast("dict[str, Any]", value)
    return {one: _text(headers, one) for one in headers}


def _whole(form: Form, name: str) -> int:
    value = _number(form, name)
    if not isinstance(value, int):
        msg = f"{name}: expected a whole number"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return value


Field = Callable[[Form, str], Any]

_CONDITIONS: Mapping[str, Field] = {"nth": _whole, "after": _number}
FAULT_FIELDS: Mapping[str, Field] = {
    **_CONDITIONS,
    "times": _whole,
    "status": _whole,
    "token": _string,
    "retry_after": _whole,
    "delay": _number,
    "drip": _number,
    "reset": _string,
    "truncate": _whole,
    "body": _text,
    "headers": _headers,
}
"""The arguments of `Faults.add` besides the operation; a body is text here."""
DELIVERY_FAULT_FIELDS: Mapping[str, Field] = {
    **_CONDITIONS,
    "times": _whole,
    "repeat": _whole,
    "hold": _flag,
    "drop": _flag,
    "forge": _string,
    "delay": _number,
}
"""The arguments of `DeliveryFaults.add` besides the event."""


def _fields(form: Form, fields: Mapping[str, Field], *others: str) -> dict[str, Any]:
    """Return the given fields; others are read elsewhere, and any further one is refused."""
    known = {*fields, *others}
    for name in form:
        if name not in known:
            msg = f"unknown field{_nearest(name, known)}"
            raise ValueError(msg)
    return {name: read(form, name) for name, read in fields.items() if name in form}


def _nearest(name: str, known: Any) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
