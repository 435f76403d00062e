"""Calls of every method, with arguments that are easy to find wherever they end up."""

import inspect
from collections.abc import Callable
from typing import Any, Final

from sikoia_async import Entity, NewPerson, Sikoia, SikoiaError
from sikoia_async.resources.cases import Cases
from sikoia_async.testing.cassettes.operations import ApiOperation

__all__ = ["ID", "MARK", "failure_of"]

MARK: Final = "Wilhelmina-Flintrock-0815"
ID: Final = "01951375-0000-7000-8000-000000000000"
_VALUES: Final[dict[str, Any]] = {
    "entity": Entity("person", ID),
    "case_type": "Business",
    "stage": "New",
    "picklist_index": 1,
    "country_code": "GB",
    "event_types": [MARK],
    "webhook_callback_url": f"https://{MARK}.example/",
    "file": MARK.encode(),
    "file_name": f"{MARK}.pdf",
    "persons": [NewPerson(first_name=MARK, last_name=MARK)],
}
"""Arguments that are not made of the mark alone."""
_RESOURCES: Final = (
    *("affordability", "banking", "cases", "checks", "company_registry", "credit_reports"),
    *("data_sources", "documents", "identity", "income", "online_data", "reports", "screening"),
    *("users", "webhooks"),
)


async def failure_of(sikoia: Sikoia, operation: ApiOperation) -> SikoiaError | None:
    """Call the method of an operation, with the mark wherever a string may be anything.

    Returns:
        The error that it raised, if any.
    """
    resource, name = operation.function.__qualname__.split(".")
    held = (getattr(sikoia, one) for one in _RESOURCES)
    method = getattr(next(one for one in held if type(one).__name__ == resource), name)
    values = _arguments(operation.function)
    parameters = inspect.signature(method).parameters
    only = {name for name, one in parameters.items() if one.kind is one.POSITIONAL_ONLY}
    try:
        result = method(
            *(values[name] for name in parameters if name in only),
            **{name: values[name] for name in parameters if name in values and name not in only},
        )
        await (result if inspect.isawaitable(result) else anext(aiter(result)))
    except SikoiaError as error:
        return error
    return None


def _arguments(function: Callable[..., Any]) -> dict[str, Any]:
    chosen = dict[str, Any]()
    for name, one in list(inspect.signature(function).parameters.items())[1:]:
        if name in _VALUES and (name != "persons" or function is not Cases.remove_entities):
            chosen[name] = _VALUES[name]
        elif name.endswith("_id") and name != "reference_customer_id":
            chosen[name] = ID
        elif "str" in str(one.annotation) and "Literal" not in str(one.annotation):
            chosen[name] = MARK
    return chosen
