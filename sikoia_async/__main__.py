"""The command line: `sikoia sandbox` serves a local Sikoia, `sikoia demo` shows the SDK on it."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from sikoia_async._version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

_PORT = 8400


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 if all went well, else 1 with one line that says why."""
    options = _parser().parse_args(arguments)
    try:
        return _demo() if options.command == "demo" else _sandbox(options)
    except (ImportError, OSError, ValueError) as error:
        # Without the extra, or with a port in use: nothing that a traceback would make clearer.
        print(f"sikoia {options.command}: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sikoia", description=__doc__)
    parser.add_argument("--version", action="version", version=f"sikoia-async {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    commands.add_parser("demo", help="walk through the SDK against a local Sikoia; a second or two")
    sandbox = commands.add_parser("sandbox", help="serve a local Sikoia over https on loopback")
    sandbox.add_argument(
        "--port", type=int, default=_PORT, help=f"port to serve at (default {_PORT}; 0: any free)"
    )
    sandbox.add_argument(
        "--seed", type=int, default=0, help="what its ids and data are drawn from (default 0)"
    )
    sandbox.add_argument(
        "--speed", type=float, default=1, help="seconds that pass in one of ours (default 1)"
    )
    return parser


def _demo() -> int:
    from sikoia_async._demo import run  # noqa: PLC0415 - a command loads what it needs

    return run()


def _sandbox(options: argparse.Namespace) -> int:
    from sikoia_async.sandbox import Sandbox  # noqa: PLC0415 - as above

    # Ctrl-C may come before the sandbox is ready to take it.
    served = Sandbox(port=options.port, seed=options.seed, speed=options.speed)
    with served as sandbox, suppress(KeyboardInterrupt):
        print(f"A local Sikoia serves at {sandbox.url}. To let Sikoia() talk to it:\n")
        print("\n".join(f"  {line}" for line in sandbox.exports()))
        print("\nIts data is fictitious and forgotten at the end. Stop it with Ctrl-C.", flush=True)
        sandbox.serve_forever()
    print("\nStopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
