"""`sikoia mcp`: serves the operations of the API to an agent, over standard input and output."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from sikoia_async._errors import ConfigurationError
from sikoia_async.cli.options import at_least, duration
from sikoia_async.cli.parser import complete_with

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async import Sikoia

__all__ = ["configure"]


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the options of the command."""
    parser.description = (
        "Serve the operations of the API to an agent, over the Model Context Protocol on standard "
        "input and output. Without options the agent can only read from a local Sikoia, spends "
        "nothing, and sees no personal data."
    )
    environment = parser.add_argument(
        "--environment",
        metavar="NAME",
        help="production, staging, or the URL of a local Sikoia (default: SIKOIA_ENVIRONMENT, if "
        "it is the URL of a local Sikoia)",
    )
    complete_with(environment, ("production", "staging"))
    parser.add_argument(
        "--allow-changes",
        action="store_true",
        help="allow calls that create, change or delete something and are free",
    )
    parser.add_argument(
        "--max-chargeable",
        type=at_least(0),
        default=0,
        metavar="N",
        help="allow this many calls that may cost credits or money (default 0)",
    )
    parser.add_argument(
        "--reveal", action="store_true", help="show personal data, which is *** otherwise"
    )
    parser.add_argument(
        "--timeout", type=duration, metavar="SECONDS", help="how long a call may take (default 60)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    if find_spec("mcp") is None:
        msg = "an MCP server needs an extra: pip install 'sikoia-async[mcp]'"
        raise ImportError(msg)
    from sikoia_async.cli.client import run_with_client  # noqa: PLC0415 - not loaded for the help
    from sikoia_async.cli.mcp.rules import Rules  # noqa: PLC0415 - as above
    from sikoia_async.cli.mcp.server import serve  # noqa: PLC0415 - as above

    if options.environment is None:
        _require_local()
    rules = Rules(
        allow_changes=options.allow_changes,
        max_chargeable=options.max_chargeable,
        reveal=options.reveal,
    )

    async def work(sikoia: Sikoia) -> int:
        await serve(sikoia, rules)
        return 0

    return run_with_client(options, work)


def _require_local() -> None:
    """Refuse the environment of the variables if it is not a local Sikoia."""
    from sikoia_async._transport.connector import validate_environment  # noqa: PLC0415 - as above

    if validate_environment(None).name != "local":
        msg = (
            "SIKOIA_ENVIRONMENT: expected the URL of a local Sikoia, as `sikoia sandbox` prints "
            "it; for another environment, add --environment staging or --environment production"
        )
        raise ConfigurationError(msg)
