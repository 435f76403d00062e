"""What an agent may do: each refusal says what would allow the call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import attrs

from sikoia_async._calls.operations import OPERATIONS

if TYPE_CHECKING:
    from sikoia_async.cli.api.signatures import Method

__all__ = ["Effect", "Rules", "effect_of", "has_secret", "waits_too"]

Effect = Literal["reads", "changes", "may cost money"]

_GETS: Final = frozenset(one.name for one in OPERATIONS if one.method == "GET")
_SECRETS: Final = frozenset(f"webhooks.{name}_secret" for name in ("create", "retrieve", "rotate"))


@attrs.frozen(kw_only=True)
class Rules:
    """What the person who started the server allows."""

    allow_changes: bool = False
    max_chargeable: int = 0
    """How many calls may cost credits or money."""
    reveal: bool = False
    """Whether personal data is shown."""

    def refusal(self, method: Method) -> str | None:
        """Return why a method may not be called, and what would allow it; None if it may."""
        name = method.full_name
        if _has_file(method):
            command = f"sikoia {method.resource} {method.command}"
            return f"{name}: this server passes no files on; use the command line: `{command}`"
        if waits_too(method):
            return (
                f"{name} waits for its result, and an agent that stops waiting would not know what "
                f"it has bought; call {method.operation}, and wait_for_operation with its token"
            )
        effect = effect_of(method)
        if effect == "may cost money" and not self.max_chargeable:
            return (
                f"{name} may cost credits or money, and this server may spend nothing; the person "
                "who starts `sikoia mcp` can allow N such calls with --max-chargeable N"
            )
        if effect == "changes" and not self.allow_changes:
            return (
                f"{name} changes data, and this server only reads; the person who starts "
                "`sikoia mcp` can allow it with --allow-changes"
            )
        return None


def effect_of(method: Method) -> Effect:
    """Return what a call of a method may do. One that is not known to only read changes data."""
    if method.may_cost:
        return "may cost money"
    # The others of these names look at what there is, for example for the newest report.
    is_read = method.name in {"latest", "operation"} or method.name.startswith("until_")
    return "reads" if method.full_name in _GETS or is_read else "changes"


def has_secret(method: Method) -> bool:
    """Return whether a method returns a secret, which no agent sees."""
    return method.full_name in _SECRETS


def waits_too(method: Method) -> bool:
    """Return whether a method waits for what it requests, such as `credit_reports.find`."""
    return method.full_name != method.operation


def _has_file(method: Method) -> bool:
    return method.result == "file" or any(one.kind == "file" for one in method.parameters)
