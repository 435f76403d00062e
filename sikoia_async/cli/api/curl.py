"""`--curl`: the request of a command, as a curl command, and nothing is sent."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import httpx

from sikoia_async import Operation
from sikoia_async._hooks.curl import curl_command
from sikoia_async.cli.client import new_client, run_client
from sikoia_async.errors import CallError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from sikoia_async import Sikoia

__all__ = ["print_curl"]

_TOKEN: Final = "SIKOIA-TOKEN"  # noqa: S105 - stands for one
_HEADER: Final = f"'Authorization: Bearer {_TOKEN}'"
_VARIABLE: Final = '"Authorization: Bearer $SIKOIA_TOKEN"'


def print_curl(options: argparse.Namespace, call: Callable[[Sikoia], Any]) -> int:
    """Print the first request that a call would send. The access token is a variable of the shell.

    Args:
        options: the options of the command.
        call: makes the call.

    Raises:
        SikoiaError: an argument is invalid.
    """
    recorder = _Recorder()
    ca_file = os.environ.get("SIKOIA_CA_FILE")

    async def work(sikoia: Sikoia) -> int:
        try:
            await _first_step(call(sikoia))
        except CallError:
            if recorder.request is None:
                raise
        is_local = sikoia.environment.name == "local"
        command = curl_command(
            cast("httpx.Request", recorder.request),
            reveal=options.reveal,
            ca_file=ca_file if is_local else None,
        )
        print(command.replace(_HEADER, _VARIABLE))
        return 0

    settings: dict[str, Any] = {"transport": recorder, "trust_env": False, "retries": 0}
    return run_client(new_client(options, token=_TOKEN, **settings), work)


async def _first_step(result: Any) -> None:
    """Let a call send its first request: all are awaited, also lists in pages."""
    if isinstance(result, Operation):
        await result.refresh()
    else:
        await result


class _Recorder(httpx.AsyncBaseTransport):
    """A transport that keeps the request and sends nothing."""

    request: httpx.Request | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.request = request
        await anyio.lowlevel.checkpoint()
        msg = "nothing is sent"
        raise httpx.ConnectError(msg)
