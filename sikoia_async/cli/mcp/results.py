"""What agents get: results as JSON, masked, and errors that say what to do."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any, Final

from sikoia_async import (
    APIError,
    ChargeLimitError,
    OperationFailedError,
    SikoiaError,
)
from sikoia_async.cli.exit_codes import describe, describe_bug
from sikoia_async.cli.output import Output
from sikoia_async.cli.text import to_json_text
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    from sikoia_async.cli.mcp.rules import Rules

__all__ = ["failure_of", "output_of", "validate_size"]

_LARGEST: Final = 100_000
"""How many characters a result may have that can be had again at no cost."""


def output_of(rules: Rules, *, is_secret: bool = False) -> Output:
    """Return what makes JSON of results."""
    return Output(Namespace(output="json", reveal=rules.reveal and not is_secret))


def validate_size(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result if it is not too large for an agent.

    Raises:
        ArgumentError: it is; the error says what to do.
    """
    size = len(to_json_text(result))
    if size > _LARGEST:
        msg = (
            f"the result has {size:,} characters, more than {_LARGEST:,}: name the fields that you "
            "need with only, lower the limit, or ask for less, such as a shorter period"
        )
        raise ArgumentError(msg)
    return result


def failure_of(error: Exception, rules: Rules) -> dict[str, Any]:
    """Return an error as JSON: what happened, and what to do."""
    if not isinstance(error, SikoiaError):
        return {"error": describe_bug(error)}  # its text may have personal data
    failure: dict[str, Any] = {"error": describe(error)[1]}
    if isinstance(error, OperationFailedError):
        failure["result"] = output_of(rules).plain(error.result)
    if isinstance(error, ChargeLimitError):
        failure["next"] = "the person who starts `sikoia mcp` can raise --max-chargeable"
    if isinstance(error, APIError) and error.detail and rules.reveal:
        failure["detail"] = error.detail
    return failure
