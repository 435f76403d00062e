"""The client of a command, from its options and the variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio

from sikoia_async import Sikoia
from sikoia_async._transport.connector import local_authorities, named_environment
from sikoia_async._version import __version__
from sikoia_async.cli.misspelt import warn
from sikoia_async.errors import ArgumentError, ConfigurationError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from sikoia_async import Environment

__all__ = ["environment_named", "new_client", "run_client", "run_with_client"]


def run_with_client(
    options: argparse.Namespace, work: Callable[[Sikoia], Awaitable[int]], **more: Any
) -> int:
    """Run a function with a client, and return the exit code that it returns.

    Args:
        options: the options of the command; see `new_client`.
        work: gets the client, which is closed afterwards.
        more: further arguments of `Sikoia`.

    Raises:
        SikoiaError: the client cannot be made, or the function has raised it.
    """
    return run_client(new_client(options, **more), work)


def run_client(sikoia: Sikoia, work: Callable[[Sikoia], Awaitable[int]]) -> int:
    """Run a function with a client that exists, close it, and return the exit code."""

    async def run() -> int:
        async with sikoia:
            return await work(sikoia)

    return anyio.run(run)


def new_client(options: argparse.Namespace, **more: Any) -> Sikoia:
    """Return a client with the options of `add_client` and `add_chargeable`, and the variables.

    Raises:
        ConfigurationError: an option or a variable is missing or invalid; the error names it.
    """
    warn()
    # People at a terminal expect that HTTPS_PROXY and SSL_CERT_FILE count, as with curl.
    own: dict[str, Any] = {"app_info": f"sikoia-cli/{__version__}", "trust_env": True}
    settings = own | more
    given = {name: getattr(options, name, None) for name in ("timeout", "max_chargeable")}
    settings |= {name: value for name, value in given.items() if value is not None}
    if options.environment is not None:
        environment = environment_named(options.environment)
        settings |= {"environment": environment, "tls": local_authorities(environment)}
    return Sikoia(**settings)


def environment_named(name: str) -> Environment:
    """Return the environment that `--environment` names.

    Raises:
        ArgumentError: it is neither production nor staging, nor the URL of a local Sikoia.
    """
    try:
        return named_environment(name)
    except ConfigurationError:
        msg = (
            "--environment: expected production, staging, or the URL of a local Sikoia, such as "
            "https://127.0.0.1:8400"
        )
    raise ArgumentError(msg)
