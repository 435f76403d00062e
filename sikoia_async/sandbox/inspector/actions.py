"""What a person can do on the page: each action is a function that says what it has done."""

from collections.abc import Callable, Mapping
from typing import Any

from sikoia_async.sandbox.app import App
from sikoia_async.sandbox.errors import ApiError

__all__ = ["ACTIONS", "act"]

Form = Mapping[str, Any]

_LARGEST_WHOLE = 2**53
"""Beyond it a browser cannot count."""


def act(app: App, name: str, form: Form) -> str:
    """Do something, and say in a sentence that it is done.

    Args:
        app: The local Sikoia.
        name: A key of `ACTIONS`.
        form: What the page has asked the person for.

    Raises:
        ValueError: The form lacks something, or it cannot be done; the message says why.
    """
    try:
        return ACTIONS[name](app, form)
    except ApiError as exc:
        # What is not there, or not any more.
        raise ValueError(exc.detail) from exc


def _advance(app: App, form: Form) -> str:
    app.clock.advance(_number(form, "seconds"))
    return f"The clock shows {app.clock.now:%Y-%m-%d %H:%M:%S} UTC."


def _finish(app: App, form: Form) -> str:
    kind = _text(form, "kind")
    app.work.finish(_text(form, "id"), kind=kind)
    return f"Finished: {kind}."


def _fail(app: App, form: Form) -> str:
    kind = _text(form, "kind")
    app.work.fail(_text(form, "id"), kind=kind)
    return f"Failed, as asked for: {kind}."


def _finish_all(app: App, _form: Form) -> str:
    app.work.finish_all()
    return "All work is finished."


def _plan_fault(app: App, form: Form) -> str:
    name, operation = _text(form, "name"), _text(form, "operation")
    app.faults.inject(name, operation, nth=_whole(form, "nth"))
    return f"Planned: {name}, for {_whom(operation, 'every request')}."


def _plan_delivery_fault(app: App, form: Form) -> str:
    name, event = _text(form, "name"), _text(form, "event")
    app.deliveries.faults.inject(name, event, nth=_whole(form, "nth"))
    return f"Planned: {name}, for {_whom(event, 'every event')}."


def _clear_faults(app: App, _form: Form) -> str:
    app.faults.clear()
    app.deliveries.faults.clear()
    return "No fault is planned any more."


def _send(app: App, form: Form) -> str:
    event = _text(form, "event")
    app.deliveries.send(_text(form, "webhook_id"), event)
    return f"On its way: {event}."


def _send_again(app: App, form: Form) -> str:
    app.deliveries.send_again(_text(form, "request_id"))
    return "On its way again."


def _release(app: App, _form: Form) -> str:
    app.deliveries.release()
    return "What was held back is on its way."


def _reset(app: App, _form: Form) -> str:
    app.reset()
    return "All is as it was at the beginning. Clients need a new token."


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


def _whom(subject: str, everyone: str) -> str:
    return everyone if subject == "*" else subject


def _text(form: Form, name: str) -> str:
    value = form.get(name)
    if not isinstance(value, str) or not value:
        msg = f"{name}: choose one"
        raise ValueError(msg)
    return value


def _number(form: Form, name: str) -> float:
    value = form.get(name)
    # True is a number to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name}: give a number"
        raise ValueError(msg)  # noqa: TRY004 - the page shows what a ValueError says
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        msg = f"{name}: give a smaller number"
        raise ValueError(msg)
    return value


def _whole(form: Form, name: str) -> int:
    value = _number(form, name)
    if not isinstance(value, int):
        msg = f"{name}: give a whole number"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return value
