"""`sikoia sandbox`: runs a local Sikoia until it is stopped."""

from __future__ import annotations

import json
import os
import shlex
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sikoia_async.cli.sandbox.control import add_commands
from sikoia_async.cli.sandbox.env_file import EnvFile
from sikoia_async.cli.sandbox.options import GROUPS, PORT, add_options, given_options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from sikoia_async.sandbox import Sandbox

__all__ = ["add_arguments", "configure", "serve"]


def configure(parser: argparse.ArgumentParser, _words: Sequence[str]) -> None:
    """Add the arguments of the command, which runs a local Sikoia."""
    parser.usage = "%(prog)s [option ...]"
    add_arguments(parser)
    parser.set_defaults(run=serve, parser=parser)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add all options of the command, and its own commands."""
    add_options(parser)
    add_commands(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--env-file",
        metavar="FILE",
        help="write the variables to a file that only you may read, such as .env",
    )
    output.add_argument(
        "--force", action="store_true", help="replace an --env-file that something else has written"
    )
    output.add_argument(
        "--json", action="store_true", help="print one line of JSON when it is ready"
    )
    output.add_argument(
        "--scenarios",
        dest="list_scenarios",
        action="store_true",
        help="list the available scenarios and exit",
    )


def serve(options: argparse.Namespace) -> int:
    """Run it until Ctrl-C or SIGTERM, which are its regular end."""
    as_json = "json" in options
    with suppress(KeyboardInterrupt):
        if "list_scenarios" in options:
            _list_scenarios(options, as_json=as_json)
            return 0
        _run(options, as_json=as_json)
    if not as_json:
        print("\nStopped.")
    return 0


def _list_scenarios(options: argparse.Namespace, *, as_json: bool) -> None:
    from sikoia_async.sandbox import create_app  # noqa: PLC0415 - loaded by this command only

    scenarios = create_app(scenarios=given_options(options).get("scenarios", ())).scenarios
    if as_json:
        print(json.dumps([{"name": one.name, "about": one.about} for one in scenarios]))
    else:
        print("\n".join(scenarios.table()))


def _run(options: argparse.Namespace, *, as_json: bool) -> None:
    sandbox = _sandbox(given_options(options))
    env_file = None
    if "env_file" in options:
        env_file = EnvFile(options.env_file, force="force" in options)
    with sandbox:
        if env_file:
            env_file.write(sandbox.variables)
        if "allow_remote" in options:
            print(_WARNING, file=sys.stderr)
        if as_json:
            print(json.dumps(_description(sandbox)), flush=True)
        else:
            given = vars(options)
            print(_greeting(sandbox, given.get("env_file"), given.get("state_dir")), flush=True)
        sandbox.serve_forever()


def _sandbox(given: dict[str, Any]) -> Sandbox:
    from sikoia_async.sandbox import (  # noqa: PLC0415 - as above
        Credentials,
        Rate,
        Sandbox,
        Time,
        Wire,
    )

    kinds: dict[str, Any] = dict(zip(GROUPS, (Rate, Time, Credentials, Wire), strict=True))
    settings: dict[str, Any] = {
        name: kinds[name](**one) if name in kinds else one for name, one in given.items()
    }
    settings.setdefault("port", PORT)
    return Sandbox(**settings)


def _description(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "url": sandbox.url,
        "port": sandbox.port,
        "token_url": sandbox.token_url,
        "scope": sandbox.scope,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "ca_file": sandbox.ca_file,
        "inspector_url": sandbox.inspector_url,
        "pid": os.getpid(),
        "variables": sandbox.variables,
    }


def _greeting(sandbox: Sandbox, env_file: str | None, state_dir: str | None) -> str:
    lines = [f"A local Sikoia is running at {sandbox.url}. To connect Sikoia() to it:", ""]
    if env_file:
        path = env_file if "/" in env_file else f"./{env_file}"
        lines.append(f"  set -a; . {shlex.quote(path)}; set +a")
    else:
        lines += [f"  {line}" for line in sandbox.exports()]
    if sandbox.inspector_url:
        lines += ["", f"The inspector is at {sandbox.inspector_url}"]
    end = f"kept in {state_dir}" if state_dir else "lost when it stops"
    lines += ["", f"Its data is fictitious, and is {end}. Press Ctrl-C to stop."]
    return "\n".join(lines)


_WARNING = (
    "warning: everybody who can reach this port can use this local Sikoia and its inspector; never "
    "put data of real people into it"
)
