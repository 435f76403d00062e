"""The tools: search operations, describe one, read the documentation, call one, wait for one."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from sikoia_async import OperationTimeoutError
from sikoia_async._export.paths import tree_of
from sikoia_async.cli.mcp.arguments import arguments_of
from sikoia_async.cli.mcp.catalog import Catalog
from sikoia_async.cli.mcp.documentation import Documentation
from sikoia_async.cli.mcp.results import output_of, validate_size
from sikoia_async.cli.mcp.rules import effect_of, has_secret
from sikoia_async.cli.mcp.schemas import arguments_schema, returned, shape_returned
from sikoia_async.cli.waiting import row_of
from sikoia_async.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sikoia_async import Sikoia
    from sikoia_async.cli.api.signatures import Method
    from sikoia_async.cli.mcp import inputs
    from sikoia_async.cli.mcp.rules import Rules
    from sikoia_async.cli.output import Output

__all__ = ["Tools"]


class Tools:
    """The tools of an agent. Each returns JSON.

    Args:
        sikoia: the client that makes the calls.
        rules: what the agent may do.

    Each raises `SikoiaError`: an argument is invalid, the call is not allowed, or it failed.
    """

    def __init__(self, sikoia: Sikoia, rules: Rules) -> None:
        self._sikoia = sikoia
        self._rules = rules
        self._catalog = Catalog()
        self._documentation = Documentation()

    async def search(self, given: inputs.Search) -> dict[str, Any]:
        """Find operations by words in their names and documentation."""
        found = self._catalog.search(given.query)
        rows = [
            {
                "operation": method.full_name,
                "does": method.about.summary,
                "effect": effect_of(method),
                "allowed": self._rules.refusal(method) is None,
            }
            for method in found[: given.limit]
        ]
        again = {} if rows else {"next": "use other words, or list all with an empty query"}
        return {"operations": rows, "more": max(0, len(found) - given.limit), **again}

    async def describe(self, given: inputs.Describe) -> dict[str, Any]:
        """Describe an operation: its documentation, the schema of its arguments, its result."""
        method = self._catalog.method(given.operation)
        refusal = self._rules.refusal(method)
        return {
            "operation": method.full_name,
            "documentation": method.about.text,
            "effect": effect_of(method),
            "allowed": refusal is None,
            **({} if refusal is None else {"to_allow": refusal}),
            "arguments": arguments_schema(method),
            "returns": returned(method),
        }

    async def read(self, given: inputs.Read) -> dict[str, Any]:
        """Return a part of the documentation, or find it."""
        return self._documentation.read(given)

    async def call(self, given: inputs.Call) -> dict[str, Any]:
        """Call an operation."""
        method = self._catalog.method(given.operation)
        refusal = self._rules.refusal(method)
        if refusal is not None:
            raise ArgumentError(refusal)
        _validate_only(method, given.only)
        positional, named = arguments_of(method, given.arguments)
        received = method.of(self._sikoia)(*positional, **named)
        output = output_of(self._rules, is_secret=has_secret(method))
        result = await _shown(method, received, output, given.only, given.limit)
        if effect_of(method) == "reads":
            return validate_size(result)
        if method.may_cost:
            made, allowed = sum(self._sikoia.spend.values()), self._rules.max_chargeable
            result["chargeable_calls"] = f"{made} of {allowed}"
        return result

    async def wait(self, given: inputs.Wait) -> dict[str, Any]:
        """Wait for an operation."""
        operation = self._sikoia.operation(given.token)
        try:
            result = await operation.wait(given.timeout_seconds)
        except OperationTimeoutError:
            again = "it continues at Sikoia: call wait_for_operation again with the token"
            return {"state": "running", "token": operation.token, "next": again}
        shown = output_of(self._rules).plain(result, given.only)
        done = {"state": "done", "kind": operation.kind, "result": shown}
        if getattr(result, "picklist", None):
            done["next"] = (
                "several companies match: call the operation resolve_picklist of the same resource "
                "with the request_id and the index of one"
            )
        return validate_size(done)


def _validate_only(method: Method, only: Sequence[str] | None) -> None:
    """Refuse fields that the result does not have: afterwards it would be too late for a change."""
    shape = None if method.result == "operation" else shape_returned(method)
    if only is None or shape is not None:
        tree_of("only", only, shape)
        return
    where = "wait_for_operation takes it" if method.result == "operation" else "leave it out"
    msg = f"only: this call returns no fields to choose from; {where}"
    raise ArgumentError(msg)


async def _shown(
    method: Method, received: Any, output: Output, only: Sequence[str] | None, limit: int
) -> dict[str, Any]:
    """Return what a method returned, as JSON."""
    if method.result == "pages":
        return await _page(method, received, output, only, limit)
    result = await received if inspect.iscoroutine(received) else received
    match method.result:
        case "operation":
            return {"operation": row_of(result, output), "next": "wait_for_operation"}
        case "items":
            items = method.listed(result[:limit])
            return {"items": output.plain(items, only), "more": len(result) > limit}
        case "nothing":
            return {"done": True}
        case _:
            return {"result": output.plain(result, only)}


async def _page(
    method: Method, pages: Any, output: Output, only: Sequence[str] | None, limit: int
) -> dict[str, Any]:
    items = list[Any]()
    async for item in pages:
        items.append(item)
        if len(items) > limit:
            break
    shown = output.plain(method.listed(items[:limit]), only)
    return {"items": shown, "more": len(items) > limit}
