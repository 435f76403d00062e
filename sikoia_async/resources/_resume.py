"""Resuming operations from their tokens."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from sikoia_async._errors import InvalidOperationTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sikoia_async._calls.api import Api
    from sikoia_async.operations.kinds import OperationKind
    from sikoia_async.operations.operation import Operation

__all__ = ["find_kind", "resume"]

_MODULES: Final = {
    "account-refresh": "banking",
    "affordability": "affordability",
    "bank-connection": "banking",
    "check": "checks",
    "classification": "documents",
    "company-registry": "company_registry",
    "credit-report": "credit_reports.requests",
    "data-sources": "data_sources",
    "identity": "identity",
    "income": "income",
    "integrity-check": "documents",
    "online-data": "online_data",
}
"""The module that declares each kind of operation, so that resuming one loads no other resource."""


def resume(api: Api, kind_name: str, ids: tuple[str, ...]) -> Operation[Any]:
    """Return the operation that an operation token names.

    Args:
        api: makes the calls of the client.
        kind_name: the kind of operation.
        ids: identify the operation.

    Raises:
        InvalidOperationTokenError: the kind is unknown, or the ids do not fit it.
    """
    kind = find_kind(kind_name)
    if kind is None or kind.opener is None:
        msg = "token: unknown kind of operation; update the SDK in this process"
        raise InvalidOperationTokenError(msg)
    if len(ids) != kind.id_count:
        msg = "token: not a valid operation token; give operation.token unchanged"
        raise InvalidOperationTokenError(msg)
    operation: Operation[Any] = kind.opener(api, ids)
    return operation


def find_kind(name: str) -> OperationKind | None:
    """Return the kind of operation of this name; None if there is none."""
    module = _MODULES.get(name)
    if module is None:
        return None
    kinds: Sequence[OperationKind] = import_module(f"{__package__}.{module}").OPERATION_KINDS
    return next(kind for kind in kinds if kind.name == name)
