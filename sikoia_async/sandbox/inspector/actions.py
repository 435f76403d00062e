"""The actions of the page; each one is a function that returns a message for the user."""

from collections.abc import Callable, Mapping
from typing import Any

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.errors import ApiError

__all__ = ["ACTIONS", "act"]

Form = Mapping[str, Any]

_LARGEST_WHOLE = 2**53
"""The largest integer that a browser represents exactly."""


def act(app: App, name: str, form: Form) -> str:
    """Perform an action, and return a message that confirms it.

    Args:
        app: The local Sikoia.
        name: A key of `ACTIONS`.
        form: The fields of the form.

    Raises:
        ValueError: A field is missing or invalid, or the action is not possible.
    """
    try:
        return ACTIONS[name](app, form)
    except ApiError as exc:
        # A record that does not exist, or no longer.
        raise ValueError(exc.detail) from exc


def _advance(app: App, form: Form) -> str:
    app.clock.advance(_number(form, "seconds"))
    return f"The clock now shows {app.clock.now:%Y-%m-%d %H:%M:%S} UTC."


def _finish(app: App, form: Form) -> str:
    kind = _string(form, "kind")
    app.work.finish(_string(form, "id"), kind=kind)
    return f"Finished: {kind}."


def _fail(app: App, form: Form) -> str:
    kind = _string(form, "kind")
    app.work.fail(_string(form, "id"), kind=kind)
    return f"Failed: {kind}."


def _finish_all(app: App, _form: Form) -> str:
    app.work.finish_all()
    return "All operations are finished."


def _plan_fault(app: App, form: Form) -> str:
    name, operation = _string(form, "name"), _string(form, "operation")
    app.faults.inject(name, operation, nth=_whole(form, "nth"))
    return f"Planned: {name}, for {_label(operation, 'every request')}."


def _plan_delivery_fault(app: App, form: Form) -> str:
    name, event = _string(form, "name"), _string(form, "event")
    app.deliveries.faults.inject(name, event, nth=_whole(form, "nth"))
    return f"Planned: {name}, for {_label(event, 'every event')}."


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
    "plan-fault": _plan_fault,
    "plan-delivery-fault": _plan_delivery_fault,
    "clear-faults": _clear_faults,
    "send": _send,
    "send-again": _send_again,
    "release": _release,
    "reset": _reset,
}


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


def _whole(form: Form, name: str) -> int:
    value = _number(form, name)
    if not isinstance(value, int):
        msg = f"{name}: expected a whole number"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return value
