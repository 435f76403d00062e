"""From what a token holds back to the operation: which method of which resource knows a kind."""

from typing import Any, Final

from sikoia_async._errors import ConfigurationError
from sikoia_async.operations.operation import Operation

__all__ = ["resume"]

# Kinds are in tokens that people keep: none is ever renamed.
_OPENERS: Final = {
    "account-refresh": ("banking", "_refreshed"),
    "affordability": ("affordability", "operation"),
    "bank-connection": ("banking", "wait_connected"),
    "check": ("checks", "operation"),
    "classification": ("documents", "wait_classified"),
    "company-registry": ("company_registry", "operation"),
    "credit-report": ("credit_reports", "operation"),
    "data-sources": ("data_sources", "_of"),
    "identity": ("identity", "operation"),
    "income": ("income", "operation"),
    "integrity-check": ("documents", "wait_checked"),
}
_PAIRS: Final = frozenset({"account-refresh", "data-sources"})
"""Kinds with two ids; the others have one."""


def resume(client: object, kind: str, ids: tuple[str, ...]) -> Operation[Any]:
    """Return the operation of a kind with these ids.

    Args:
        client: has the resources.
        kind: a name in tokens.
        ids: what the operation is asked for by.

    Raises:
        ConfigurationError: there is no such kind, or the ids are none of its.
    """
    if kind not in _OPENERS:
        msg = "token: it is for a kind of operation that this version of the SDK does not know"
        raise ConfigurationError(msg)
    if len(ids) != (2 if kind in _PAIRS else 1):
        msg = "token: not a valid operation token"
        raise ConfigurationError(msg)
    resource, method = _OPENERS[kind]
    operation: Operation[Any] = getattr(getattr(client, resource), method)(*ids)
    return operation
